//! Landscapes that never were: a sky with clouds, ridges one behind the other, a field in front.
//!
//! Made of value noise and straight arithmetic in `f32`, without functions whose last bit depends
//! on the platform, so that a seed gives the same pixels everywhere.

use image::{Rgb, RgbImage};

/// A landscape of `width` x `height` pixels; each seed gives another one.
pub fn landscape(seed: u32, width: u32, height: u32) -> RgbImage {
    let scene = Scene::new(seed);
    RgbImage::from_fn(width, height, |x, y| {
        // Coordinates of the picture, not of the pixel: any size shows the same scene.
        let (x, y) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
        scene.colour(x, y)
    })
}

struct Scene {
    seed: u32,
    sky: [f32; 3],
    land: [f32; 3],
    sun: (f32, f32),
}

/// Ridges, the farthest first.
const RIDGES: u32 = 5;

impl Scene {
    fn new(seed: u32) -> Self {
        let part = |i| lattice(seed, i, 999);
        Self {
            seed,
            sky: [90.0 + 110.0 * part(1), 120.0 + 90.0 * part(2), 190.0 + 60.0 * part(3)],
            land: [60.0 + 150.0 * part(4), 80.0 + 120.0 * part(5), 40.0 + 90.0 * part(6)],
            sun: (0.1 + 0.8 * part(7), 0.08 + 0.2 * part(8)),
        }
    }

    fn colour(&self, x: f32, y: f32) -> Rgb<u8> {
        let ridge = (0..RIDGES).rev().find(|ridge| y > self.crest(*ridge, x));
        let light = |colour: [f32; 3], light: f32| {
            Rgb(colour.map(|channel| (channel * light).clamp(0.0, 255.0) as u8))
        };
        match ridge {
            None => {
                let clouds = noise(self.seed ^ 77, x * 4.0, y * 9.0, 5);
                let (dx, dy) = (x - self.sun.0, y - self.sun.1);
                let sun = if dx * dx + dy * dy < 0.004 { 0.6 } else { 0.0 };
                light(self.sky, 0.35 + 1.1 * clouds * clouds * 2.0 + sun)
            }
            Some(ridge) => {
                let near = (ridge + 1) as f32 / RIDGES as f32;
                let ground = noise(self.seed ^ ridge, x * 6.0 * (1.0 + near), y * 14.0 * (1.0 + near), 6);
                let furrows = if ridge + 1 == RIDGES && ((x * 9.0 + y * 14.0) as u32).is_multiple_of(2) {
                    0.35
                } else {
                    0.0
                };
                light(self.land, 0.2 + 1.7 * (ground - 0.25).max(0.0) * (1.4 - 0.5 * near) + furrows)
            }
        }
    }

    /// Height of a ridge at `x`, from the top of the picture.
    fn crest(&self, ridge: u32, x: f32) -> f32 {
        let base = 0.28 + 0.14 * ridge as f32;
        base + 0.3 * (noise(self.seed ^ 1000 ^ ridge, x * (3.0 + ridge as f32), 0.5, 5) - 0.5)
    }
}

/// Value noise with `octaves` octaves, 0..1.
fn noise(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut total) = (0.0, 1.0, 0.0);
    let (mut x, mut y) = (x, y);
    for octave in 0..octaves {
        sum += weight * smooth(seed.wrapping_add(octave), x, y);
        total += weight;
        weight *= 0.5;
        x *= 2.0;
        y *= 2.0;
    }
    sum / total
}

/// One octave: random values at whole coordinates, blended smoothly in between.
fn smooth(seed: u32, x: f32, y: f32) -> f32 {
    let (column, row) = (x as u32, y as u32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - column as f32), ease(y - row as f32));
    let at = |dx, dy| lattice(seed, column + dx, row + dy);
    let top = at(0, 0) + u * (at(1, 0) - at(0, 0));
    let bottom = at(0, 1) + u * (at(1, 1) - at(0, 1));
    top + v * (bottom - top)
}

/// A random value for a point of a lattice, 0..1 (finaliser of MurmurHash3, A. Appleby).
fn lattice(seed: u32, x: u32, y: u32) -> f32 {
    let mut h = seed.wrapping_mul(0x9e37_79b9) ^ x.wrapping_mul(0x85eb_ca6b) ^ y.wrapping_mul(0xc2b2_ae35);
    h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
    h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
    h ^= h >> 16;
    (h >> 8) as f32 / (1u32 << 24) as f32
}
