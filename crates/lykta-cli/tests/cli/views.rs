//! Copies that were framed, cut or written on; lists with parts of pictures; bands; two files compared.

use image::{DynamicImage, GenericImage, Rgb, RgbImage, imageops};
use serde_json::{Value, json};

use crate::place::{Place, keys};

const SEEDS: [u32; 3] = [21, 22, 23];

fn picture(seed: u32) -> RgbImage {
    lykta_testdata::landscape(seed, 480, 360)
}

/// `picture` on a sheet of one colour.
fn on_sheet(picture: &RgbImage, (width, height): (u32, u32), (left, top): (u32, u32), grey: u8) -> RgbImage {
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([grey; 3]));
    sheet.copy_from(picture, left, top).unwrap();
    sheet
}

/// Known pictures, and a list of them made with `options`.
fn place(options: &str) -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path("known")).unwrap();
    std::fs::create_dir_all(place.path("dump")).unwrap();
    for seed in SEEDS {
        picture(seed).save(place.path(&format!("known/{seed}.png"))).unwrap();
    }
    let list = place.run(&format!("hash --csv {options} known")).expect(0).out;
    place.write("list.csv", &list);
    place.run("index build -o known.lykta list.csv").expect(0);
    place
}

/// Saves the change of each picture; gives for each copy the matches with its picture.
fn found(place: &Place, scan: &str, change: impl Fn(&RgbImage) -> RgbImage) -> Vec<Option<Value>> {
    for seed in SEEDS {
        let copy = DynamicImage::from(change(&picture(seed)));
        copy.save(place.path(&format!("dump/{seed}.jpg"))).unwrap();
    }
    let run = place.run(&format!("scan --index known.lykta {scan} dump"));
    let findings = run.json_lines();
    let of = |seed: u32| {
        let locator = json!([format!("dump/{seed}.jpg")]);
        let finding = findings.iter().find(|finding| finding["locator"] == locator)?;
        let entry = json!(format!("known/{seed}.png"));
        finding["matches"].as_array()?.iter().find(|found| found["entry"] == entry).cloned()
    };
    SEEDS.into_iter().map(of).collect()
}

#[test]
fn framed_copies_are_found_and_their_rectangle_is_named() {
    let place = place("--kind pdq");
    type Change = fn(&RgbImage) -> RgbImage;
    let changes: [(&str, [i64; 4], Change); 4] = [
        ("unbordered", [40, 30, 480, 360], |p| on_sheet(p, (560, 420), (40, 30), 255)),
        ("unbordered", [0, 200, 480, 360], |p| on_sheet(p, (480, 760), (0, 200), 0)),
        ("unbordered", [150, 0, 480, 360], |p| on_sheet(p, (700, 360), (150, 0), 128)),
        ("unbordered_rot90", [25, 25, 360, 480], |p| {
            // Clockwise by 90 degrees, so counter-clockwise is back.
            on_sheet(&imageops::rotate90(p), (410, 530), (25, 25), 250)
        }),
    ];
    for (view, expected, change) in changes {
        for found in found(&place, "", change) {
            let found = found.expect("a match");
            assert_eq!(found["view"], view, "{found}");
            assert_eq!(found["band"], "strong", "{found}");
            for (edge, expected) in found["rectangle"].as_array().unwrap().iter().zip(expected) {
                // The noise of JPEG reaches a block into the border.
                assert!((edge.as_i64().unwrap() - expected).abs() <= 16, "{found}");
            }
        }
    }
}

#[test]
fn cut_and_captioned_copies_are_found_by_a_list_with_parts_only() {
    let cut = |picture: &RgbImage| imageops::crop_imm(picture, 24, 18, 432, 324).to_image();
    let captioned = |picture: &RgbImage| {
        let mut copy = picture.clone();
        for (x, y, pixel) in copy.enumerate_pixels_mut().filter(|(_, y, _)| *y >= 290) {
            *pixel = if (x / 5 + y / 9) % 3 == 0 { Rgb([0; 3]) } else { Rgb([255; 3]) };
        }
        copy
    };
    let without = place("--kind pdq");
    assert!(found(&without, "", cut).iter().all(Option::is_none));
    let with = place("--kind pdq --views crops");
    for found in found(&with, "", cut) {
        let found = found.expect("a match");
        assert_eq!(
            (&found["view"], &found["entry_view"]),
            (&json!("original"), &json!("centre90")),
            "{found}"
        );
        assert!(found["distance"].as_u64().unwrap() <= 10 && found.get("rectangle").is_none(), "{found}");
        assert_ne!(found["band"], "strong", "parts are never strong");
    }
    for found in found(&with, "", captioned) {
        let found = found.expect("a match");
        assert!(found["view"] == "upper40" || found["entry_view"] == "upper80", "{found}");
    }
}

#[test]
fn a_list_with_parts_has_a_row_for_each_with_the_same_path() {
    let place = place("--kind sha256,pdq --views crops");
    let list = place.text("list.csv");
    let mut lines = list.lines();
    assert_eq!(lines.next(), Some("path,size,sha256,pdq,pdq_quality,view"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let of = |seed: u32| rows.iter().filter(move |row| row[0] == format!("known/{seed}.png"));
    for seed in SEEDS {
        assert_eq!(of(seed).filter(|row| row[5].is_empty()).count(), 1);
        assert!(of(seed).all(|row| row[5].is_empty() != row[2].is_empty()), "digests are of the whole file");
        let mut views: Vec<&str> = of(seed).map(|row| row[5]).collect();
        views.sort_unstable();
        views.dedup();
        assert_eq!(views.len(), of(seed).count());
        assert!(
            ["centre95", "centre90", "upper85", "upper60", "lower60", "upper40", "lower40"]
                .iter()
                .all(|view| views.contains(view))
        );
    }
    // The picture itself is one match of each kind, whatever parts of it are near, too.
    let run = place.run("scan --index known.lykta known").expect(1);
    for finding in &run.json_lines()[..SEEDS.len()] {
        let kinds: Vec<&Value> =
            finding["matches"].as_array().unwrap().iter().map(|found| &found["kind"]).collect();
        assert_eq!(kinds, ["sha256", "pdq"], "{finding}");
        assert_eq!(finding["matches"][1]["view"], "original");
        assert!(finding["matches"][1].get("entry_view").is_none(), "the whole is the best band");
    }
    let line = &place.run("hash --views crops --kind pdq known/21.png").expect(0).json_lines()[0];
    assert_eq!(keys(&line["views"][0].to_string()).len(), 4);
    assert_eq!(line["views"][3]["view"], "centre90");
    assert_eq!(line["views"][3]["rectangle"], json!([24, 18, 432, 324]));
}

#[test]
fn what_is_below_the_band_is_reported_and_does_not_count() {
    let place = place("--kind pdq --views crops");
    let cut = |picture: &RgbImage| imageops::crop_imm(picture, 24, 18, 432, 324).to_image();
    assert!(found(&place, "", cut).iter().all(Option::is_some));
    let run = place.run("scan --index known.lykta --band strong dump").expect(0);
    let mut lines = run.json_lines();
    let summary = lines.pop().unwrap();
    assert_eq!(lines.len(), SEEDS.len(), "they stay in the findings");
    for finding in &lines {
        assert_eq!(finding["matches"][0]["below_band"], true, "{finding}");
    }
    assert_eq!(summary["outcomes"]["noted"]["items"], SEEDS.len());
    assert_eq!((&summary["below_band"], &summary["found"]), (&json!(SEEDS.len()), &json!(0)));
    // The whole picture is strong.
    place.run("scan --index known.lykta --band strong known").expect(1);
    place.run("scan --index known.lykta --band certain known").refused(&["certain", "strong"]);
    place.run("scan --index known.lykta --band strong -o out --report jsonl,csv,html dump").expect(0);
    let (csv, html) = (place.text("out/findings.csv"), place.text("out/report.html"));
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .contains("view,rectangle,entry_view,coarse_distance,band,plain,below_band")
    );
    assert!(html.contains("below the band asked for, not counted"), "{html}");
}

/// A page is white with lines, whatever is written on it.
#[test]
fn pages_are_plain_and_never_more_than_weak() {
    let place = place("--kind pdq");
    let page = |picture: &RgbImage| {
        let small = imageops::resize(picture, 200, 150, imageops::FilterType::Triangle);
        on_sheet(&small, (480, 640), (40, 60), 255)
    };
    for seed in SEEDS {
        page(&picture(seed)).save(place.path(&format!("known/page-{seed}.png"))).unwrap();
    }
    let list = place.run("hash --csv --kind pdq known").expect(0).out;
    place.run_with(list, "index build -o pages.lykta -").expect(0);
    let run = place.run("scan --index pages.lykta --min-quality 0 known");
    let mut whole = 0;
    for finding in run.json_lines().iter().filter(|line| line["locator"][0].to_string().contains("page-")) {
        for found in finding["matches"].as_array().unwrap().iter().filter(|found| found["view"] == "original")
        {
            assert_eq!((&found["plain"], &found["band"]), (&json!(true), &json!("weak")), "{found}");
            whole += 1;
        }
    }
    assert!(whole >= SEEDS.len());
}

#[test]
fn two_files_are_compared_in_every_view() {
    let place = place("--kind pdq");
    on_sheet(&picture(21), (480, 760), (0, 200), 0).save(place.path("phone.png")).unwrap();
    let run = place.run("compare --json known/21.png phone.png").expect(1);
    let line = &run.json_lines()[0];
    assert_eq!((&line["result"], &line["same_digests"]), (&json!("near match"), &json!([])));
    let best = &line["matches"][0];
    assert_eq!((&best["file"], &best["with_file"], &best["band"]), (&json!(1), &json!(0), &json!("strong")));
    assert_eq!(best["view"], "unbordered");
    assert_eq!(best["rectangle"], json!([0, 200, 480, 360]));
    let text = place.run("compare known/21.png phone.png").expect(1).out;
    assert!(
        text.contains("band strong: unbordered of B (480 x 360 pixels at 0, 200) with the whole of A"),
        "{text}"
    );
    let text = place.run("compare known/21.png known/22.png").expect(0).out;
    assert!(text.contains("no match: at least "), "{text}");
    let same = place.run("compare known/21.png known/21.png").expect(1).out;
    assert!(same.contains("result  same bytes") && same.contains("sha256  same"), "{same}");
    for text in [&text, &same] {
        assert!(!text.contains('%') && !text.contains("certain"), "{text}");
    }
}

#[test]
fn files_that_cannot_be_compared_are_told_of() {
    let place = place("--kind pdq");
    let whole = place.read("known/21.png");
    place.write("cut.png", &whole[..whole.len() / 2]);
    place.write("text.txt", "no picture");
    let text = place.run("compare known/21.png cut.png").expect(3).out;
    assert!(text.contains("likeness was not compared") && text.contains("cut.png"), "{text}");
    place.run("compare cut.png cut.png").expect(4);
    place.run("compare known/21.png text.txt").expect(0);
    place.run("compare text.txt text.txt").expect(1);
    place.run("compare known/21.png missing.png").refused(&["missing.png"]);
    place.run("compare known known/21.png").refused(&["folder"]);
    place.run("hash --kind sha256 --views crops known").refused(&["--views", "pdq"]);
}

/// The lower part of a picture that is too flat as a whole was compared, and the picture was not.
#[test]
fn an_item_below_the_gate_is_not_called_compared_for_its_lower_part() {
    let place = place("--kind pdq --views crops");
    let sky_over = |contrast: u32| {
        RgbImage::from_fn(400, 500, |x, y| {
            let patch = (x / 40 + y / 40) % 2 * contrast + (x / 80 + 2 * (y / 60)) % 3 * contrast / 2;
            Rgb([if y < 300 { 90 } else { 90 + patch as u8 }; 3])
        })
    };
    let quality = |picture: &RgbImage| {
        picture.save(place.path("dump/sky.png")).unwrap();
        let line = place.run("hash --kind pdq --views crops dump/sky.png").expect(0).json_lines().remove(0);
        let lower = line["views"].as_array().unwrap().iter().find(|view| view["view"] == "lower40").cloned();
        (line["pdq_quality"].as_u64().unwrap(), lower.unwrap()["pdq_quality"].as_u64().unwrap())
    };
    let is_it = |contrast: &u32| {
        let (whole, lower) = quality(&sky_over(*contrast));
        whole < 50 && lower >= 50
    };
    (10..100).step_by(4).find(is_it).expect("a contrast between");
    let run = place.run("scan --index known.lykta --record all -o out dump").expect(0);
    assert!(run.err.is_empty() || !run.err.contains("error"), "{}", run.err);
    let item = place.text("out/items.jsonl");
    assert!(
        item.contains("\"outcome\":\"unmatched_exact_only\",\"reason\":\"quality below the gate\""),
        "{item}"
    );
}

/// Scans of colour alone are not read, and what gives results says so.
#[test]
fn scans_that_were_not_read_are_told_of() {
    let place = Place::new();
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fuzz/jpeg/progressive-420.jpg");
    place.write("colours.jpg", std::fs::read(seed).unwrap());
    let line = &place.run("compare --json colours.jpg colours.jpg").expect(1).json_lines()[0];
    assert!(line["files"][0]["unread_scans"].as_u64() > Some(0), "{line}");
    let text = place.run("compare colours.jpg colours.jpg").expect(1).out;
    assert!(text.contains("scans of colour alone were not read"), "{text}");
    let lines = place.run("cluster colours.jpg").expect(0).json_lines();
    assert_eq!(lines.last().unwrap()["summary"]["not_all_read"], 1);
}
