//! The inverse transform of a block, bit for bit that of libjpeg's `jidctint`.
//!
//! The algorithm is that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with 12 multiplications a
//! line, in fixed point as the Independent JPEG Group wrote it down: constants of 13 bits, 2 bits
//! kept between the passes, every shift rounded. The standard allows other roundings; this one is
//! what libjpeg-turbo, and with it nearly every program, makes of a file, so the same pixels are
//! hashed here and there.

use crate::vector::{Processor, Rows};

const CONST_BITS: u32 = 13;
const PASS1_BITS: u32 = 2;

/// Coefficients, row by row, to samples less 128, not yet clamped. None of these may be beyond
/// [`LARGEST_SAMPLE`].
#[inline(always)]
pub(crate) fn inverse(coefficients: &Rows, processor: impl Processor) -> Rows {
    let half = processor.transposed(&pass::<{ CONST_BITS - PASS1_BITS }>(coefficients));
    processor.transposed(&pass::<{ CONST_BITS + PASS1_BITS + 3 }>(&half))
}

/// What [`inverse`] makes of a block whose coefficients are 0 but for the first.
#[inline(always)]
pub(crate) fn flat(first: i32) -> i32 {
    first.wrapping_add(4) >> 3
}

/// Samples further from the middle than this are refused: 32 bits hold twice as much before the last
/// shift. A picture's own are within 128, and what quantization adds does not come near.
pub(crate) const LARGEST_SAMPLE: u32 = 4096;

/// One pass over the eight columns, then a rounded shift by `SHIFT`. The loop is one vector
/// operation after the other for a compiler.
#[inline(always)]
fn pass<const SHIFT: u32>(x: &Rows) -> Rows {
    // Wrapping, since parts of a sum may go beyond 32 bits where the sum does not.
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;
    let times = i32::wrapping_mul;
    let round = |value: i32| value.wrapping_add(1 << (SHIFT - 1)) >> SHIFT;
    let mut out = [[0; 8]; 8];
    for i in 0..8 {
        let z1 = times(add(x[2][i], x[6][i]), 4433); // 0.541196100
        let t2 = add(z1, times(x[6][i], -15137)); // -1.847759065
        let t3 = add(z1, times(x[2][i], 6270)); // 0.765366865
        let t0 = add(x[0][i], x[4][i]) << CONST_BITS;
        let t1 = sub(x[0][i], x[4][i]) << CONST_BITS;
        let (e0, e1, e2, e3) = (add(t0, t3), add(t1, t2), sub(t1, t2), sub(t0, t3));

        let z1 = times(add(x[7][i], x[1][i]), -7373); // -0.899976223
        let z2 = times(add(x[5][i], x[3][i]), -20995); // -2.562915447
        let (z3, z4) = (add(x[7][i], x[3][i]), add(x[5][i], x[1][i]));
        let z5 = times(add(z3, z4), 9633); // 1.175875602
        let z3 = add(times(z3, -16069), z5); // -1.961570560
        let z4 = add(times(z4, -3196), z5); // -0.390180644
        let o0 = add(times(x[1][i], 12299), add(z1, z4)); // 1.501321110
        let o1 = add(times(x[3][i], 25172), add(z2, z3)); // 3.072711026
        let o2 = add(times(x[5][i], 16819), add(z2, z4)); // 2.053119869
        let o3 = add(times(x[7][i], 2446), add(z1, z3)); // 0.298631336

        out[0][i] = round(add(e0, o0));
        out[1][i] = round(add(e1, o1));
        out[2][i] = round(add(e2, o2));
        out[3][i] = round(add(e3, o3));
        out[4][i] = round(sub(e3, o3));
        out[5][i] = round(sub(e2, o2));
        out[6][i] = round(sub(e1, o1));
        out[7][i] = round(sub(e0, o0));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_block_is_what_the_transform_makes_of_it() {
        for first in -9000..9000 {
            let mut coefficients = [[0; 8]; 8];
            coefficients[0][0] = first;
            assert_eq!(inverse(&coefficients, crate::vector::Any), [[flat(first); 8]; 8]);
        }
    }
}
