//! Pictures in RAR archives.

use rars::{ArchiveVersion, Builder};

use crate::place::{Place, json_lines};

fn archive(version: ArchiveVersion, is_solid: bool, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(version).solid(is_solid);
    for (name, bytes) in files {
        builder.add_bytes(name.as_bytes().to_vec(), bytes.to_vec(), None, None).unwrap();
    }
    builder.to_bytes().unwrap()
}

#[test]
fn pictures_are_found_and_what_cannot_be_unpacked_is_told() {
    let place = Place::with_demo();
    let jpeg = place.read("dump/camera/IMG_0001.jpg");
    let files: [(&str, &[u8]); 3] = [("one.jpg", &jpeg), ("text", b"nothing but text"), ("two.jpg", &jpeg)];
    for (name, version) in [("4", ArchiveVersion::Rar40), ("5", ArchiveVersion::Rar50)] {
        place.write(&format!("dump2/{name}.rar"), archive(version, false, &files));
        place.write(&format!("dump2/solid{name}.rar"), archive(version, true, &files));
        let inner = archive(version, true, &files);
        place.write(&format!("dump2/nested{name}.rar"), archive(version, false, &[("in.rar", &inner)]));
        let mut spoiled = archive(version, true, &files);
        let at = spoiled.len() / 4;
        spoiled[at] ^= 1;
        place.write(&format!("spoiled/{name}.rar"), spoiled);
    }
    place.run("scan --index list.lykta -o out dump2").expect(1);
    let findings = json_lines(&place.text("out/findings.jsonl"));
    let mut found: Vec<_> = findings.iter().map(|line| line["locator"].to_string()).collect();
    found.sort();
    let mut expected = Vec::new();
    for of in
        ["4.rar", "5.rar", "nested4.rar\",\"in.rar", "nested5.rar\",\"in.rar", "solid4.rar", "solid5.rar"]
    {
        expected.extend(["one.jpg", "two.jpg"].map(|name| format!("[\"dump2/{of}\",\"{name}\"]")));
    }
    assert_eq!(found, expected);
    // What leans on what is spoiled is told, too.
    place.run("scan --index list.lykta -o spoiled.out spoiled").expect(3);
    let errors = json_lines(&place.text("spoiled.out/errors.jsonl"));
    assert_eq!(errors.len(), 6, "{errors:?}");
    assert!(errors.iter().all(|error| error["reason"] == "container is damaged"), "{errors:?}");
}
