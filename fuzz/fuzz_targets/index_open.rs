//! Index files: the property is `lykta_index::fuzz::open_and_query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_index::fuzz::open_and_query(data));
