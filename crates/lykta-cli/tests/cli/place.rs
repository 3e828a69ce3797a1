//! A folder of its own for each test, and `lykta` run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder, the current one of every command; gone with the test.
pub(crate) struct Place(TempDir);

/// What a command did.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("tmp")).unwrap();
        place
    }

    /// With the bundled demonstration: `dump`, `list.csv` and, built of it, `list.lykta`.
    pub(crate) fn with_demo() -> Self {
        let place = Self::new();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo");
        copy(&demo, place.0.path());
        place.run("index build -o list.lykta list.csv").expect(0);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// The command without its arguments, for those that are no plain words.
    pub(crate) fn lykta(&self) -> assert_cmd::Command {
        assert_cmd::Command::from_std(self.std_lykta())
    }

    /// The same, to be started and not waited for.
    pub(crate) fn std_lykta(&self) -> std::process::Command {
        let mut command = std::process::Command::new(cargo_bin!("lykta"));
        command.current_dir(self.0.path()).env("TMPDIR", self.path("tmp")).stdin(Stdio::null());
        command
    }

    /// Runs `lykta` with `words` under strace, whose own arguments are `options`. `None` where strace
    /// does not run, unless it has to: LYKTA_EXPECT_STRACE=1 says so.
    #[cfg(target_os = "linux")]
    pub(crate) fn traced(&self, options: &[&str], words: &str) -> Option<std::process::Output> {
        use std::process::Command;
        let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
        if !works.as_ref().is_ok_and(|output| output.status.success()) {
            let expected = std::env::var_os("LYKTA_EXPECT_STRACE").is_some_and(|value| value == "1");
            assert!(!expected, "strace does not run here: {works:?}");
            println!("SKIPPED: strace does not run here: {works:?}");
            return None;
        }
        let mut command = Command::new("strace");
        command.args(options).arg(cargo_bin!("lykta")).args(words.split_whitespace());
        // Temporary files where a scan looks must not be made there.
        command.current_dir(self.0.path()).env("TMPDIR", self.path("dump")).stdin(Stdio::null());
        Some(command.output().unwrap())
    }

    /// Runs `lykta` with `words`, which blanks part.
    pub(crate) fn run(&self, words: &str) -> Run {
        run(self.lykta().args(words.split_whitespace()))
    }

    pub(crate) fn run_with(&self, input: impl Into<Vec<u8>>, words: &str) -> Run {
        run(self.lykta().args(words.split_whitespace()).write_stdin(input))
    }
}

pub(crate) fn run(command: &mut assert_cmd::Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// The same run, which ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// The one sentence of a run that could not start, which says all of `parts`.
    #[track_caller]
    pub(crate) fn refused(self, parts: &[&str]) {
        let run = self.expect(2);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert!(run.err.starts_with("lykta: "), "{}", run.err);
        for part in parts {
            assert!(run.err.contains(part), "{part:?} is not in {:?}", run.err);
        }
        assert_eq!(run.out, "");
    }

    /// The lines of standard output as JSON.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        json_lines(&self.out)
    }
}

#[track_caller]
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The keys of an object as they follow one another in its text; of nested ones only the outermost.
pub(crate) fn keys(line: &str) -> Vec<String> {
    let (mut keys, mut depth, mut chars) = (Vec::new(), 0, line.char_indices());
    let mut last_text = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ':' if depth == 1 => keys.push(std::mem::take(&mut last_text)),
            '"' => {
                let mut escaped = false;
                let end = chars.by_ref().find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                last_text = line[at + 1..end.unwrap().0].to_owned();
            }
            _ => {}
        }
    }
    keys
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}
