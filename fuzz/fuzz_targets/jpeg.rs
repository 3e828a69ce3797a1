//! JPEG files against libjpeg: the property is `lykta_media::fuzz::jpeg`.
#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The luma that libjpeg finds; none if it refuses the file, which it does by a panic.
fn libjpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let read = || mozjpeg::Decompress::new_mem(bytes).ok()?.grayscale().ok()?.read_scanlines::<u8>().ok();
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

libfuzzer_sys::fuzz_target!(
    init: drop(std::panic::take_hook()),
    |data: &[u8]| {
        lykta_media::fuzz::jpeg(data, libjpeg);
    }
);
