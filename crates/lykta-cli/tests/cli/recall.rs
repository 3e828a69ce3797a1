//! Changed copies of pictures, from the list to the finding.

use image::{DynamicImage, imageops};

use crate::place::Place;

/// The eight ways to lay a picture on a table, and two more changes that every sharing site makes.
#[test]
fn turned_mirrored_shrunk_and_recompressed_copies_are_found_at_31_bits() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("known")).unwrap();
    std::fs::create_dir_all(place.path("dump")).unwrap();
    let seeds = [21, 22, 23, 24];
    for seed in seeds {
        let picture = DynamicImage::from(lykta_testdata::landscape(seed, 320, 240));
        picture.save(place.path(&format!("known/{seed}.png"))).unwrap();
        let copies = [
            ("rot90.png", picture.rotate90()),
            ("rot180.png", picture.rotate180()),
            ("rot270.png", picture.rotate270()),
            ("flip_x.png", picture.flipv()),
            ("flip_y.png", picture.fliph()),
            ("diagonal.png", picture.rotate90().fliph()),
            ("other_diagonal.png", picture.rotate270().fliph()),
            ("same.jpg", picture.clone()),
            ("half.jpg", picture.resize(160, 120, imageops::FilterType::Triangle)),
        ];
        for (name, copy) in copies {
            copy.save(place.path(&format!("dump/{seed}-{name}"))).unwrap();
        }
    }
    // A picture that the list does not know: what finds everything finds nothing.
    lykta_testdata::landscape(99, 320, 240).save(place.path("dump/unknown.png")).unwrap();
    let list = place.run("hash --csv --kind sha256,pdq known").expect(0).out;
    place.run_with(list, "index build -o known.lykta -").expect(0);
    let run = place.run("scan --index known.lykta --radius pdq=31 dump").expect(1);
    let mut lines = run.json_lines();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["outcomes"]["matched_near_only"]["items"], seeds.len() * 9, "{}", run.out);
    assert_eq!(summary["outcomes"]["unmatched_exact_and_near"]["items"], 1);
    let mut views = std::collections::BTreeSet::new();
    for finding in lines {
        let (locator, found) = (finding["locator"][0].as_str().unwrap(), &finding["matches"][0]);
        let seed = locator.trim_start_matches("dump/").split('-').next().unwrap();
        assert_eq!(found["entry"], format!("known/{seed}.png"), "{finding}");
        assert!(found["distance"].as_u64().unwrap() <= 31, "{finding}");
        views.insert(found["view"].to_string());
    }
    assert_eq!(views.len(), 8, "{views:?}");
}
