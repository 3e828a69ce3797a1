//! Picture files: the properties are `lykta_media::fuzz::decode` and `hash_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    // libFuzzer's panic hook aborts at once, but a panic inside a decoder is caught and becomes an
    // error. Without the hook only a panic that leaves the property counts.
    init: drop(std::panic::take_hook()),
    |data: &[u8]| {
        lykta_media::fuzz::decode(data);
        lykta_media::fuzz::hash_file(data);
    }
);
