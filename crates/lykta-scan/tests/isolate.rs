//! Workers that die, each in its own way. This program is its own worker, which has a decoder that does what a picture
//! tells it to.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return lykta_scan::Worker::default().with_pictures(obedient::views).run();
    }
    if std::env::args().nth(1).as_deref() == Some("liar") {
        // Ends when the scan has nothing more to do with it.
        let _ = liar::lie(&std::env::args().nth(2).unwrap());
        return std::process::ExitCode::FAILURE;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, test) in tests::ALL {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            println!("test {name} ...");
            test();
        }
    }
    println!("all passed");
    std::process::ExitCode::SUCCESS
}

#[cfg(unix)]
mod obedient {
    use lykta_media::pdq::{FileHash, Mode, Views, views_of_file};
    use lykta_media::{Error, Limits};

    /// What a picture may tell the decoder to do.
    pub(crate) const MARK: &[u8] = b"please ";

    pub(crate) fn views(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Views>, Error> {
        if let Some(at) = bytes.windows(MARK.len()).position(|window| window == MARK) {
            let word: Vec<u8> =
                bytes[at + MARK.len()..].iter().copied().take_while(u8::is_ascii_lowercase).collect();
            obey(&word);
        }
        views_of_file(bytes, limits, mode)
    }

    fn obey(word: &[u8]) {
        match word {
            b"abort" => std::process::abort(),
            b"leave" => std::process::exit(7),
            b"panic" => panic!("as told"),
            b"burst" => std::panic::panic_any(Fragile),
            b"recurse" => _ = std::hint::black_box(deeper(0)),
            b"allocate" => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(vec![1; 16 << 20]);
                }
            }
            b"loop" => loop {
                std::hint::black_box(0);
            },
            b"sleep" => loop {
                std::thread::sleep(std::time::Duration::from_secs(1));
            },
            // What comes next is only reached when the system refused.
            b"open" => assert_eq!(
                kind(std::fs::File::open("/etc/passwd")),
                Some(std::io::ErrorKind::PermissionDenied)
            ),
            b"write" => {
                let path = std::env::temp_dir().join("lykta-worker-was-here");
                assert_eq!(kind(std::fs::write(path, b"x")), Some(std::io::ErrorKind::PermissionDenied));
            }
            b"connect" => {
                let connected = std::net::TcpStream::connect("127.0.0.1:9");
                assert_eq!(kind(connected), Some(std::io::ErrorKind::PermissionDenied));
            }
            b"fork" => assert!(std::thread::Builder::new().spawn(|| ()).is_err()),
            b"exec" => {
                use std::os::unix::process::CommandExt;
                let error = std::process::Command::new("/bin/true").exec();
                panic!("{error}");
            }
            other => panic!("what is {other:?}?"),
        }
    }

    /// Panics once more when it is thrown away, and so where nobody expects a decoder to panic.
    struct Fragile;

    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("burst as told");
        }
    }

    fn kind<T>(result: std::io::Result<T>) -> Option<std::io::ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[expect(unconditional_recursion, reason = "that is the point")]
    fn deeper(depth: u64) -> u64 {
        let room = std::hint::black_box([depth; 64]);
        deeper(depth + 1) + room[0]
    }
}

/// A worker that was taken over: it speaks as workers do, and wants what none may have.
#[cfg(unix)]
mod liar {
    use std::io::{self, Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use serde_json::{Value, json};

    struct Link(UnixStream);

    impl Link {
        fn receive(&mut self) -> io::Result<Value> {
            let mut lengths = [[0; 4]; 2];
            lengths.iter_mut().try_for_each(|length| self.0.read_exact(length))?;
            let [mut text, mut bytes] = lengths.map(|length| vec![0; u32::from_le_bytes(length) as usize]);
            self.0.read_exact(&mut text)?;
            self.0.read_exact(&mut bytes)?;
            Ok(serde_json::from_slice(&text)?)
        }

        fn send(&mut self, message: &Value, bytes: &[u8]) -> io::Result<()> {
            let text = message.to_string().into_bytes();
            let lengths = [&text[..], bytes].map(|part| (part.len() as u32).to_le_bytes());
            self.0.write_all(&[&lengths.concat(), &text[..], bytes].concat())
        }

        fn ask(&mut self, wish: &Value) -> io::Result<()> {
            self.send(wish, b"")?;
            self.receive().map(|_| ())
        }
    }

    pub(crate) fn lie(wish: &str) -> io::Result<()> {
        let mut link = Link(io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from)?);
        let setup = link.receive()?;
        // All that there is, or the turn of all turns.
        let wish = match wish {
            "memory" => json!({ "Memory": setup["Setup"]["memory"] }),
            _ => json!("Heavy"),
        };
        link.send(&json!({ "Ready": { "seccomp": true, "landlock": true } }), b"")?;
        let job = link.receive()?;
        link.ask(&wish)?;
        if let Some(job) = job.get("File") {
            let mut place = job["place"].clone();
            place["locator"].as_array_mut().unwrap().push("member".into());
            place["unit"]["member"] = 1.into();
            link.send(&json!({ "Later": place }), b"bytes")?;
        }
        // Nobody is given a turn twice.
        link.ask(&json!("Heavy"))
    }
}

#[cfg(unix)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;
    use std::time::Duration;

    use lykta_hash::{Hash, Kind, Pdq};
    use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source};
    use lykta_media::Digester;
    use lykta_scan::{Death, Failure, Isolation, Options, Outcome, Progress, Record, Scanner, Summary};
    use lykta_source::{WalkOptions, walk};

    use crate::obedient::MARK;

    pub(crate) const ALL: [(&str, fn()); 12] = [
        ("every_way_to_die_costs_one_item", every_way_to_die_costs_one_item),
        ("the_rest_of_a_container_is_examined", the_rest_of_a_container_is_examined),
        ("found_is_found", found_is_found),
        ("a_container_that_takes_too_much_is_compared_as_a_file", a_container_that_takes_too_much),
        ("a_worker_that_sleeps_is_ended_and_the_result_says_so", a_worker_that_sleeps_is_ended),
        ("nothing_is_within_reach", nothing_is_within_reach),
        ("a_panic_is_what_it_is_without_workers", a_panic_is_what_it_is_without_workers),
        ("a_panic_out_of_turn_costs_one_item_too", a_panic_out_of_turn_costs_one_item_too),
        ("a_file_without_a_worker_says_what_is_left_of_it", a_file_without_a_worker_says_what_is_left),
        ("nobody_waits_for_what_a_worker_holds", nobody_waits_for_what_a_worker_holds),
        ("bytes_are_examined_by_workers_too", bytes_are_examined_by_workers_too),
        ("what_is_no_worker_is_refused", what_is_no_worker_is_refused),
    ];

    /// A grey picture of `side` pixels that no other is like, with what the decoder is to do.
    fn picture(seed: u8, side: usize, word: &str) -> Vec<u8> {
        let mut bytes = format!("P5 {side} {side} 255\n").into_bytes();
        let begin = bytes.len();
        let pixel = |at: usize| ((at % side) * (usize::from(seed) + 3) / 7 + (at / side) * 2) as u8;
        bytes.extend((0..side * side).map(pixel));
        if !word.is_empty() {
            let told = [MARK, word.as_bytes(), b"\0"].concat();
            bytes[begin + 50..begin + 50 + told.len()].copy_from_slice(&told);
        }
        bytes
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, bytes) in members {
            let mut header = [0u8; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[100..107].copy_from_slice(b"0000644");
            header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
            header[136..147].copy_from_slice(b"00000000000");
            header[156] = b'0';
            header[257..263].copy_from_slice(b"ustar\0");
            header[148..156].copy_from_slice(b"        ");
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            archive.extend_from_slice(&header);
            archive.extend_from_slice(bytes);
            archive.resize(archive.len().next_multiple_of(512), 0);
        }
        archive.resize(archive.len() + 1024, 0);
        archive
    }

    fn write_index(path: &Path, known: &[&[u8]]) {
        let mut builder = Builder::new(BuildOptions::default());
        let list = builder.add_source(Source { name: "known".into(), ..Source::default() });
        for (row, bytes) in (1..).zip(known) {
            let mut digester = Digester::new([Kind::Sha256].into_iter().collect());
            digester.update(bytes);
            let digest = digester.finish().get(Kind::Sha256).unwrap();
            let hashes = [Hash::from(digest), Hash::Pdq(Pdq([row as u8 ^ 0x5a; 32]))];
            builder.add(list, &NewEntry { row, hashes: &hashes, ..NewEntry::default() }).unwrap();
        }
        std::fs::write(path, builder.into_bytes().unwrap()).unwrap();
    }

    struct Case {
        dir: tempfile::TempDir,
        isolation: Isolation,
        options: Options,
    }

    impl Case {
        fn new(known: &[&[u8]]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("dump")).unwrap();
            let index = dir.path().join("index");
            write_index(&index, if known.is_empty() { &[b"nothing"] } else { known });
            let mut isolation = Isolation::new(vec![index]);
            isolation.seconds = 1;
            isolation.memory = Some(256 << 20);
            Self { dir, isolation, options: Options::default() }
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            std::fs::write(self.dir.path().join("dump").join(name), bytes).unwrap();
        }

        fn scan_with(&self, jobs: usize, isolated: bool) -> (Vec<Record>, Summary) {
            self.scan_after(jobs, isolated, || ())
        }

        /// Does something between the start of the first worker and the scan.
        fn scan_after(&self, jobs: usize, isolated: bool, then: impl FnOnce()) -> (Vec<Record>, Summary) {
            let index = Index::open(&self.isolation.indexes[0]).unwrap();
            let options = Options { jobs: NonZeroUsize::new(jobs).unwrap(), ..self.options.clone() };
            let mut scanner = Scanner::new(&index, options);
            if isolated {
                scanner = scanner.isolated(self.isolation.clone()).unwrap();
            }
            then();
            let mut records: Vec<Record> = Vec::new();
            let items = walk(&[self.dir.path().join("dump")], &WalkOptions::default());
            let never = AtomicBool::new(false);
            let summary = scanner.run(items, &mut records, &Progress::default(), &never).unwrap();
            records.sort_by_key(|record| record.unit.member);
            records.sort_by(|a, b| a.locator.cmp(&b.locator));
            (records, summary)
        }

        /// With workers, the same for one thread and for three.
        fn scan(&self) -> (Vec<Record>, Summary) {
            let (records, summary) = self.scan_with(1, true);
            let (others, _) = self.scan_with(3, true);
            assert_eq!(records, others, "the number of threads must not show");
            assert_eq!(summary.seen().items, records.len() as u64);
            (records, summary)
        }
    }

    fn of<'r>(records: &'r [Record], name: &str) -> &'r Record {
        let mut named = records.iter().filter(|record| record.locator.last().unwrap().ends_with(name));
        let record = named.next().unwrap_or_else(|| panic!("no record of {name}"));
        assert!(named.next().is_none(), "{name} twice");
        record
    }

    #[track_caller]
    fn expect_death(record: &Record, death: Death, detail: &str) {
        assert_eq!(record.outcome, Outcome::Failed(Failure::Worker(death)), "{:?}", record.problem);
        let problem = record.problem.as_ref().unwrap();
        assert_eq!(problem.reason, death.name());
        assert!(problem.detail.contains(detail), "{}", problem.detail);
        assert!(!record.digests.kinds().is_empty(), "it was read, and compared by its digests");
    }

    const WAYS: [(&str, Death, &str); 6] = [
        ("abort", Death::Crashed, "SIGABRT"),
        ("recurse", Death::Crashed, "its stack overflowed"),
        ("leave", Death::Crashed, "exit code 7"),
        ("allocate", Death::OutOfMemory, "bytes of memory"),
        ("loop", Death::OutOfTime, "1 seconds of processor time"),
        ("exec", Death::Crashed, "SIGSYS"),
    ];

    fn is_possible(word: &str) -> bool {
        word != "exec" || cfg!(target_os = "linux")
    }

    fn every_way_to_die_costs_one_item() {
        let case = Case::new(&[]);
        for (number, (word, ..)) in (0..).zip(WAYS) {
            case.write(&format!("{word}.bad"), &picture(number, 200, word));
            case.write(&format!("{word}.good"), &picture(number, 200, ""));
        }
        let (records, summary) = case.scan();
        let (without, _) = {
            let sound = Case::new(&[]);
            for (number, (word, ..)) in (0..).zip(WAYS) {
                sound.write(&format!("{word}.good"), &picture(number, 200, ""));
            }
            sound.scan_with(1, false)
        };
        for (word, death, detail) in WAYS.into_iter().filter(|(word, ..)| is_possible(word)) {
            expect_death(of(&records, &format!("{word}.bad")), death, detail);
            let name = format!("{word}.good");
            let (with, without) = (of(&records, &name), of(&without, &name));
            assert_eq!(
                (with.outcome, with.pdq, with.digests),
                (without.outcome, without.pdq, without.digests)
            );
        }
        assert_eq!(summary.silent_workers(), 0);
        assert_eq!(summary.exit_code(), 3);
    }

    /// Short members go to workers of their own; long ones end the one that walks, in a container within a container,
    /// too.
    fn the_rest_of_a_container_is_examined() {
        let (bad, long) = (picture(1, 200, "abort"), picture(2, 1100, "recurse"));
        let (good, good_long) = (picture(3, 200, ""), picture(4, 1100, ""));
        let inner = tar(&[("first", &good), ("long.bad", &long), ("last", &good_long)]);
        let outer =
            tar(&[("a", &good), ("short.bad", &bad), ("inner.tar", &inner), ("b", &good_long), ("c", &good)]);
        let case = Case::new(&[]);
        case.write("outer.tar", &outer);
        case.write("z", &good);
        let (records, _) = case.scan();
        expect_death(of(&records, "short.bad"), Death::Crashed, "SIGABRT");
        expect_death(of(&records, "long.bad"), Death::Crashed, "its stack overflowed");

        let sound = Case::new(&[]);
        sound.write("outer.tar", &outer);
        sound.write("z", &good);
        // Without workers, and so with the decoder that does as it should.
        let (expected, _) = sound.scan_with(1, false);
        assert_eq!(records.len(), expected.len());
        for (record, expected) in records.iter().zip(&expected) {
            assert_eq!(record.locator[1..], expected.locator[1..]);
            assert_eq!((record.unit.member, record.size), (expected.unit.member, expected.size));
            assert_eq!((record.opened, record.digests), (expected.opened, expected.digests));
            if !record.locator.last().unwrap().ends_with(".bad") {
                assert_eq!((record.outcome, record.pdq), (expected.outcome, expected.pdq));
            }
        }
    }

    /// What ends a decoder may be known: its digest is looked up all the same.
    fn found_is_found() {
        let (bad, long) = (picture(1, 200, "abort"), picture(2, 1100, "abort"));
        let case = Case::new(&[&bad, &long]);
        case.write("alone", &bad);
        case.write("archive.tar", &tar(&[("short", &bad), ("long", &long)]));
        let (records, summary) = case.scan();
        for name in ["alone", "short", "long"] {
            let record = of(&records, name);
            assert_eq!(record.outcome, Outcome::MatchedExact, "{name}");
            assert_eq!(record.problem.as_ref().unwrap().reason, Death::Crashed.name(), "{name}");
        }
        assert_eq!((summary.found(), summary.problems()), (3, 3));
    }

    /// A container in a container is held in memory where it is read back and forth.
    fn a_container_that_takes_too_much() {
        if !cfg!(target_os = "linux") {
            return;
        }
        let mut heavy = b"PK\x03\x04".to_vec();
        heavy.resize(60 << 20, 0xa5);
        let good = picture(3, 200, "");
        let mut case = Case::new(&[&heavy]);
        case.isolation.memory = Some(40 << 20);
        case.write("outer.tar", &tar(&[("before", &good), ("heavy.zip", &heavy), ("after", &good)]));
        let (records, _) = case.scan();
        let record = of(&records, "heavy.zip");
        assert_eq!(record.outcome, Outcome::MatchedExact);
        assert_eq!(record.problem.as_ref().unwrap().reason, Death::OutOfMemory.name());
        for name in ["before", "after"] {
            assert!(of(&records, name).pdq.is_some(), "{name}");
        }
    }

    fn a_worker_that_sleeps_is_ended() {
        let mut case = Case::new(&[]);
        case.isolation.silence = Duration::from_secs(2);
        case.write("sleeper", &picture(1, 200, "sleep"));
        case.write("other", &picture(2, 200, ""));
        let (records, summary) = case.scan_with(2, true);
        expect_death(of(&records, "sleeper"), Death::Silent, "2 seconds");
        assert_eq!(summary.silent_workers(), 1);
        assert!(summary.notes().iter().any(|note| note.contains("another scan may find otherwise")));
    }

    /// The decoder panics, which is seen, if the system does what it is asked for.
    fn nothing_is_within_reach() {
        let index = Case::new(&[]);
        let opened = Index::open(&index.isolation.indexes[0]).unwrap();
        let scanner = Scanner::new(&opened, Options::default()).isolated(index.isolation.clone()).unwrap();
        let confinement = scanner.confinement().unwrap();
        if !confinement.seccomp {
            eprintln!("not tested: {}", confinement.note().unwrap());
            return;
        }
        for word in ["open", "write", "connect", "fork"] {
            let case = Case::new(&[]);
            case.write(word, &picture(1, 200, word));
            let (records, _) = case.scan_with(1, true);
            let record = of(&records, word);
            assert!(record.pdq.is_some(), "{word}: {:?}", record.problem);
        }
    }

    fn a_panic_is_what_it_is_without_workers() {
        let case = Case::new(&[]);
        case.write("bad", &picture(1, 200, "panic"));
        let (records, _) = case.scan();
        assert_eq!(of(&records, "bad").outcome, Outcome::Failed(Failure::Internal));
        assert_eq!(of(&records, "bad").problem.as_ref().unwrap().detail, "hashing the picture panicked");
    }

    /// A panic beside what is decoded passed for a worker that lies, or left the file without what it held: a scan that
    /// was killed then and gone on with took it for done.
    fn a_panic_out_of_turn_costs_one_item_too() {
        let (good, bad) = (picture(3, 200, ""), picture(2, 1100, "burst"));
        let case = Case::new(&[]);
        case.write("a.tar", &tar(&[("before", &good), ("long.bad", &bad), ("after", &good)]));
        case.write("b.bad", &bad);
        let (records, _) = case.scan();
        for name in ["long.bad", "b.bad"] {
            expect_death(of(&records, name), Death::Panicked, "burst as told");
        }
        let archive = of(&records, "a.tar");
        assert!(archive.problem.is_none());
        assert_eq!(archive.opened.map(|opened| (opened.members, opened.items)), Some((3, 3)));
        for name in ["before", "after"] {
            assert!(of(&records, name).pdq.is_some(), "{name}");
        }
    }

    /// Such a file passed for one without members: a scan that was killed then and gone on with took it for done while
    /// its members were not.
    fn a_file_without_a_worker_says_what_is_left() {
        let mut case = Case::new(&[]);
        let program = case.dir.path().join("program");
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &program).unwrap();
        case.isolation.program = Some(program.clone());
        let (good, bad) = (picture(3, 200, ""), picture(2, 1100, "abort"));
        case.write("a.tar", &tar(&[("before", &good), ("long.bad", &bad), ("after", &good)]));
        let (records, _) = case.scan_after(1, true, || std::fs::remove_file(&program).unwrap());
        for name in ["a.tar", "before", "long.bad"] {
            let record = of(&records, name);
            assert_eq!(record.outcome, Outcome::Failed(Failure::Internal), "{name}");
            assert!(record.problem.as_ref().unwrap().detail.contains("no worker can be started"));
        }
        assert_eq!(records.len(), 3);
        let opened = of(&records, "a.tar").opened.map(|opened| (opened.members, opened.items));
        assert_eq!(opened, Some((2, 2)));
    }

    /// A worker that holds what another one asks for, while the scan examines an item for it: the scan would wait for
    /// ever.
    fn nobody_waits_for_what_a_worker_holds() {
        for (wish, member) in [("memory", None), ("heavy", Some("member"))] {
            let (told, ended) = mpsc::channel();
            // Left alone when it does not end.
            std::thread::spawn(move || {
                let mut case = Case::new(&[]);
                case.isolation.arguments = vec!["liar".into(), wish.into()];
                case.write("file", b"content");
                told.send(case.scan_with(1, true)).unwrap();
            });
            let (records, _) = ended.recv_timeout(Duration::from_secs(60)).expect(wish);
            let failed: Vec<&Record> = records
                .iter()
                .filter(|record| record.outcome == Outcome::Failed(Failure::Worker(Death::Untrue)))
                .collect();
            assert_eq!(failed.len(), records.len(), "{wish}: {records:?}");
            assert!(of(&records, "file").problem.is_some());
            member.into_iter().for_each(|member| assert!(of(&records, member).problem.is_some()));
        }
    }

    fn bytes_are_examined_by_workers_too() {
        let bad = picture(1, 200, "abort");
        let case = Case::new(&[&bad]);
        let index = Index::open(&case.isolation.indexes[0]).unwrap();
        let scanner = Scanner::new(&index, Options::default()).isolated(case.isolation.clone()).unwrap();
        let record = scanner.examine_bytes("upload", &bad);
        assert_eq!(record.outcome, Outcome::MatchedExact);
        assert_eq!(record.problem.as_ref().unwrap().reason, "worker crashed");
        let good = picture(2, 200, "");
        assert!(scanner.examine_bytes("another", &good).problem.is_none());
        // The same where they are only hashed.
        for (word, why) in
            [("abort", "worker crashed"), ("panic", "worker panicked: "), ("leave", "exit code 7")]
        {
            let error = scanner.hash_picture(&picture(1, 200, word)).unwrap_err();
            assert!(error.contains(why), "{word}: {error}");
        }
        let here = Scanner::new(&index, Options::default());
        assert_eq!(scanner.hash_picture(&good), here.hash_picture(&good));
        assert!(here.hash_picture(&good).is_ok());
        assert_eq!(scanner.hash_picture(b"no picture"), here.hash_picture(b"no picture"));
        assert!(here.hash_picture(b"no picture").is_err());
    }

    fn what_is_no_worker_is_refused() {
        let case = Case::new(&[]);
        let index = Index::open(&case.isolation.indexes[0]).unwrap();
        let refused = |isolation: Isolation| {
            Scanner::new(&index, Options::default()).isolated(isolation).err().unwrap().to_string()
        };
        let mut other = case.isolation.clone();
        other.program = Some("/bin/cat".into());
        other.arguments = vec![];
        other.silence = Duration::from_secs(1);
        assert!(refused(other).contains("does not act as a worker"));
        let mut missing = case.isolation.clone();
        missing.program = Some("/nothing/here".into());
        assert!(refused(missing).contains("cannot be started"));
        let mut another = case.isolation.clone();
        another.indexes = vec![case.dir.path().join("other")];
        write_index(&another.indexes[0], &[b"other"]);
        assert!(refused(another).contains("not the one that the scan opened"));
        let mut none = case.isolation.clone();
        none.indexes = vec![];
        assert!(refused(none).contains("as many index files"));
    }
}
