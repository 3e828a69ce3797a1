//! Containers of every kind: the property is `lykta_source::fuzz::containers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_source::fuzz::containers(data));
