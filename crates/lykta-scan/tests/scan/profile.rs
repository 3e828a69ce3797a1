//! Where the time of a scan went.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use lykta_index::Role;
use lykta_scan::{Past, Progress, Scanner};
use lykta_source::{WalkOptions, walk};

use crate::tree::{Row, index, options, pdq_of, picture, write};

#[test]
fn parts_fit_into_the_time_of_all_threads_and_formats_count_every_item() {
    let pictures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/pictures"));
    let others = tempfile::tempdir().unwrap();
    write(others.path(), "text", b"text");
    write(others.path(), "long", &[b'x'; 300]);
    let index = index(&[Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()])]);
    for jobs in [1, 3] {
        let items = walk(&[pictures.to_owned(), others.path().to_owned()], &WalkOptions::default());
        let (progress, stop, mut records) = (Progress::default(), AtomicBool::new(false), Vec::new());
        let begin = Instant::now();
        let scanner = Scanner::new(&index, options(jobs));
        let nothing = Past::new(scanner.empty_summary());
        let (summary, profile) = scanner.go_on(nothing, items, &mut records, &progress, &stop, true).unwrap();
        let profile = profile.unwrap();
        let elapsed = begin.elapsed();

        assert_eq!((profile.all(), profile.threads()), (summary.seen(), jobs));
        let counts: BTreeMap<_, _> =
            profile.groups().map(|(name, group)| (name, group.count.items)).collect();
        let expected = [
            ("BMP", 1),
            ("GIF", 1),
            ("JPEG", 1),
            ("PNG", 2),
            ("PNM", 1),
            ("QOI", 1),
            ("TIFF", 1),
            ("WebP", 1),
            ("not a picture", 2),
        ];
        assert_eq!(counts, expected.into_iter().collect());

        let wall = profile.wall();
        assert!(Duration::ZERO < wall && wall <= elapsed);
        assert_eq!(profile.total(), wall * jobs as u32);
        let parts: BTreeMap<_, _> = profile.parts().collect();
        assert_eq!(parts.values().sum::<Duration>(), profile.total(), "what is idle makes up the rest");
        assert!(parts["decode and hash"] > Duration::ZERO && parts.contains_key("digest"));
        let of_groups: Duration = profile.groups().map(|(_, group)| group.time).sum();
        assert!(of_groups <= profile.total());
    }
}
