//! PDQ in matrix form against its definition: the property is `lykta_media::fuzz::pdq_matrix`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lykta_media::fuzz::pdq_matrix(data));
