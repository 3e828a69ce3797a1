//! One file, compressed: gzip, bzip2, xz, zstd.

mod common;

use std::io::{self, Read};

use common::{all, bzip2, good, gzip, noise, xz, zstd};
use lykta_source::container::{Container, ContainerError, Exceeded, Limits, decoder};

type Pack = fn(&[u8]) -> Vec<u8>;

const KINDS: [(Container, Pack); 4] =
    [(Container::Gzip, gzip), (Container::Bzip2, bzip2), (Container::Xz, xz), (Container::Zstd, zstd)];

/// Bytes that come one at a time.
struct Trickle<'b>(&'b [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

/// What comes out, asked for `step` bytes at a time.
fn decoded(
    container: Container,
    input: Box<dyn Read + '_>,
    step: usize,
) -> (Vec<u8>, Option<ContainerError>) {
    let mut stream = decoder(container, input, &Limits::default());
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, None),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) => return (bytes, Some(error.into())),
        }
    }
}

#[test]
fn streams_behind_one_another_are_one_file() {
    let text = noise(300_000, 1);
    let (first, second) = text.split_at(123_457);
    for (container, pack) in KINDS {
        for parts in [vec![&text[..]], vec![first, second], vec![first, b"", second], vec![b""]] {
            let packed = parts.iter().flat_map(|part| pack(part)).collect::<Vec<_>>();
            let expected = vec![(String::new(), parts.concat())];
            assert!(good(container, &packed) == expected, "{container:?}");
        }
    }
}

#[test]
fn padding_with_zeros_is_accepted_and_other_bytes_are_told_behind_what_was_given() {
    let text = noise(10_000, 2);
    for (container, padding) in [(Container::Gzip, 700), (Container::Xz, 700)] {
        let pack = KINDS.iter().find(|kind| kind.0 == container).unwrap().1;
        let padded = [pack(&text), vec![0; padding]].concat();
        assert!(good(container, &padded)[0].1 == text, "{container:?}");
        let again = [&padded[..], &pack(b"more")[..]].concat();
        assert!(good(container, &again)[0].1 == [&text[..], b"more"].concat(), "{container:?}");
    }
    for (container, pack) in KINDS {
        let trailing = [&pack(&text)[..], b"something else"].concat();
        let (found, ending) = all(container, &trailing);
        ending.unwrap();
        assert!(found[0].bytes == text, "{container:?}");
        assert_eq!(found[0].error.as_deref(), Some("container is damaged"), "{container:?}");
    }
}

/// However the input arrives and however much is asked for, the same comes out before the fault.
#[test]
fn cut_and_spoiled_streams_give_what_was_before_and_say_which_they_are() {
    let text = noise(200_000, 3);
    for (container, pack) in KINDS {
        let packed = pack(&text);
        let len = packed.len();
        for cut in [1, 3, 7, len / 4, len / 2, len - 30, len - 9, len - 5, len - 1] {
            let cut = &packed[..cut];
            let (bytes, error) = decoded(container, Box::new(cut), 1 << 20);
            let what = format!("{container:?} cut to {} of {len}", cut.len());
            assert!(matches!(error, Some(ContainerError::CutShort)), "{what}: {error:?}");
            assert!(text.starts_with(&bytes), "{what}");
            // A block of bzip2 is 100 kB here, and comes whole or not at all.
            assert!(cut.len() < len - 30 || bytes.len() > 99_000, "{what}: {} bytes", bytes.len());
            for step in [1, 1000] {
                let (trickled, error) = decoded(container, Box::new(Trickle(cut)), step);
                assert!(trickled == bytes, "{what}: {} and {}", trickled.len(), bytes.len());
                assert!(matches!(error, Some(ContainerError::CutShort)), "{what}: {error:?}");
            }
        }
        let mut damaged = 0;
        for at in (20..len - 20).step_by(len / 40) {
            let mut spoiled = packed.clone();
            spoiled[at] ^= 0x55;
            let (bytes, error) = decoded(container, Box::new(&spoiled[..]), 1 << 20);
            let what = format!("{container:?} spoiled at {at} of {len}");
            damaged += usize::from(matches!(error, Some(ContainerError::Damaged(_))));
            assert!(error.is_some(), "{what}: nobody noticed");
            let (trickled, other) = decoded(container, Box::new(Trickle(&spoiled)), 777);
            assert!(trickled == bytes, "{what}: {} and {}", trickled.len(), bytes.len());
            assert_eq!(other.unwrap().to_string(), error.unwrap().to_string(), "{what}");
        }
        assert!(damaged > 30, "{container:?}: {damaged}");
    }
}

#[test]
fn a_fault_comes_again_when_read_again() {
    for (container, pack) in KINDS {
        let packed = pack(&noise(1000, 4));
        let mut stream = decoder(container, Box::new(&packed[..packed.len() - 2]), &Limits::default());
        let _ = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        for _ in 0..3 {
            let error = stream.read(&mut [0; 10]).unwrap_err();
            assert!(matches!(error.into(), ContainerError::CutShort), "{container:?}");
        }
    }
}

/// Errors of the disk are not faults of the stream, whatever a decoder makes of them.
#[test]
fn what_the_input_reports_stays_what_it_is() {
    struct Failing<'b>(&'b [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(ContainerError::from(Exceeded::Bytes(77)).into()),
                count => Ok(count),
            }
        }
    }
    for (container, pack) in KINDS {
        let packed = pack(&noise(100_000, 5));
        let (_, error) = decoded(container, Box::new(Failing(&packed[..packed.len() / 2])), 4096);
        let error = error.unwrap();
        assert!(matches!(error, ContainerError::Exceeded(Exceeded::Bytes(77))), "{container:?}: {error:?}");
    }
}

#[test]
fn a_window_larger_than_memory_is_refused() {
    // A frame of zstd with a window of 1 TiB, and a block of xz with a dictionary of 1.5 GiB.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 30 << 3, 1, 0, 0];
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = 64 << 20;
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    io::Write::write_all(&mut xz, b"text").unwrap();
    let xz = xz.finish().unwrap();
    let limits = Limits { memory: 32 << 20, ..Limits::default() };
    for (container, bytes) in [(Container::Zstd, &zstd[..]), (Container::Xz, &xz)] {
        let mut stream = decoder(container, Box::new(bytes), &limits);
        let error = ContainerError::from(io::copy(&mut stream, &mut io::sink()).unwrap_err());
        assert!(
            matches!(error, ContainerError::Exceeded(Exceeded::Memory { .. })),
            "{container:?}: {error:?}"
        );
    }
}
