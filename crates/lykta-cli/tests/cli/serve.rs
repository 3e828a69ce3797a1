//! `lykta serve`: started, asked as docs/serve.md says, ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::place::Place;

/// A service that is ended with the test.
struct Service {
    child: Child,
    address: String,
    log: mpsc::Receiver<String>,
}

impl Service {
    fn start(place: &Place, words: &str) -> Self {
        let mut command = place.std_lykta();
        command.args(["serve", "--bind", "127.0.0.1:0", "--json"]).args(words.split_whitespace());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| _ = sender.send(line)));
        let mut service = Self { child, address: String::new(), log };
        let line = service.wait_for("listening");
        service.address = line.split("\"address\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        service.wait_for("index in use");
        service
    }

    fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(20)).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    fn end(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().expect("ended by itself")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A token with all scopes, the configuration beside it.
fn configured(place: &Place) -> String {
    let made = place.run("serve token --name tests --scopes match,hash,distance,admin").expect(0);
    assert!(!made.out.contains("AAAA") && made.out.starts_with("[[token]]"), "{}", made.out);
    let config = place.run("serve config").expect(0).out;
    place.write("lykta.toml", config + &made.out);
    made.err.trim().rsplit(' ').next().unwrap().to_owned()
}

/// Whether a program is here. LYKTA_EXPECT_CLIENTS=1 says that it has to be.
fn has(program: &str, words: &[&str]) -> bool {
    let is_there = Command::new(program).args(words).output().is_ok_and(|output| output.status.success());
    let expected = std::env::var_os("LYKTA_EXPECT_CLIENTS").is_some_and(|value| value == "1");
    assert!(is_there || !expected, "{program} does not run here");
    if !is_there {
        println!("SKIPPED: {program} does not run here");
    }
    is_there
}

#[test]
fn the_examples_of_its_documentation_work() {
    let place = Place::with_demo();
    fs::copy(place.path("dump/camera/IMG_0001.jpg"), place.path("picture.jpg")).unwrap();
    let token = configured(&place);
    let service = Service::start(&place, "--index list.lykta --config lykta.toml");
    if !has("curl", &["--version"]) {
        return;
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/serve.md");
    let docs = fs::read_to_string(docs).unwrap();
    let mut ran = 0;
    for line in docs.lines().filter_map(|line| line.strip_prefix("$ curl ")) {
        let mut line = format!("curl {}", line.replace("127.0.0.1:8080", &service.address));
        // The first ones are for a service that anybody may ask.
        if !line.contains("$TOKEN") {
            line = line.replace("-sf", "-sf -H \"Authorization: Bearer $TOKEN\"");
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).env("TOKEN", &token).current_dir(place.path("."));
        let output = shell.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{line}: {:?} {out}", output.status);
        assert!(!out.is_empty(), "{line}");
        if line.contains("check/") {
            assert!(out == "true" || out == "false", "{line}: {out}");
        } else {
            serde_json::from_str::<serde_json::Value>(&out)
                .unwrap_or_else(|error| panic!("{line}: {error}: {out}"));
        }
        ran += 1;
    }
    assert!(ran >= 13, "{ran}");
    assert_eq!(service.end(), 0);
}

#[test]
fn a_client_of_hma_in_python_is_answered() {
    let place = Place::with_demo();
    let token = configured(&place);
    let service = Service::start(&place, "--index list.lykta --config lykta.toml");
    if !has("python3", &["-c", "import requests"]) {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hma_client.py");
    let mut client = Command::new("python3");
    client.arg(script).arg(format!("http://{}", service.address)).arg(token).current_dir(place.path("."));
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(service.end(), 0);
}

#[test]
fn what_cannot_be_served_is_refused_in_one_sentence() {
    let place = Place::with_demo();
    place.run("serve --index list.lykta").refused(&["lykta serve token", "--no-auth"]);
    place.run("serve --no-auth").refused(&["--index"]);
    place.run("serve --index list.lykta --no-auth --bind 0.0.0.0:0").refused(&["loopback"]);
    place.run("serve --index list.lykta --config none.toml").refused(&["none.toml", "check its path"]);
    place.write("wrong.toml", "[limits]\nbodies = 1\n");
    place.run("serve --index list.lykta --config wrong.toml").refused(&["wrong.toml", "line 2", "`bodies`"]);
    place.run("serve token --name a --scopes everything").refused(&["hash, match, distance, admin"]);
    let failed = place.run("serve --quiet --index none.lykta --no-auth --bind 127.0.0.1:0").expect(2);
    assert!(failed.err.contains("none.lykta") && failed.err.contains("lykta index build"), "{}", failed.err);
    place.write("damaged.lykta", [&place.read("list.lykta")[..], b"x"].concat());
    let failed = place.run("serve --quiet --index damaged.lykta --no-auth --bind 127.0.0.1:0").expect(2);
    assert!(failed.err.contains("damaged.lykta"), "{}", failed.err);
}
