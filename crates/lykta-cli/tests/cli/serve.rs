//! `lykta serve`: started, asked as docs/serve.md says, ended.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

use crate::place::Place;

/// A service that is ended with the test.
struct Service {
    child: Child,
    address: String,
    /// The token of the run, if it was told.
    token: Option<String>,
    log: mpsc::Receiver<String>,
}

impl Service {
    fn start(place: &Place, words: &str) -> Self {
        Self::start_with(place, words, &[])
    }

    fn start_with(place: &Place, words: &str, environment: &[(&str, &Path)]) -> Self {
        let mut command = place.std_lykta();
        command.envs(environment.iter().copied());
        Self::spawn(command.args(["serve", "--bind", "127.0.0.1:0", "--json"]).args(words.split_whitespace()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| _ = sender.send(line)));
        let mut service = Self { child, address: String::new(), token: None, log };
        let mut line = service.log.recv_timeout(Duration::from_secs(20)).unwrap();
        if let Some((_, token)) = line.split_once("\"token\":\"") {
            service.token = token.split('"').next().map(str::to_owned);
            line = service.wait_for("listening");
        }
        assert!(line.contains("listening"), "{line}");
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

/// A token with all scopes, the configuration beside it, and an index that has digests of `abc`, too.
fn configured(place: &Place) -> String {
    place.write(
        "digests.csv",
        "id,md5,sha1\nabc,900150983cd24fb0d6963f7d28e17f72,a9993e364706816aba3e25717850c26c9cd0d89d\n",
    );
    place.run("index build --quiet -o list.lykta list.csv digests.csv").expect(0);
    let made = place.run("serve token --name tests --scopes match,hash,distance,admin").expect(0);
    assert!(!made.out.contains("AAAA") && made.out.starts_with("[[token]]"), "{}", made.out);
    let config = place.run("serve config").expect(0).out;
    place.write("lykta.toml", config + &made.out);
    made.err.trim().rsplit(' ').next().unwrap().to_owned()
}

/// Has an audit log written.
fn with_audit(place: &Place) {
    let config = place.text("lykta.toml");
    let line = "#: audit = \"/var/lib/lykta/audit.jsonl\"";
    assert!(config.contains(line));
    place.write("lykta.toml", config.replacen(line, "audit = \"audit.jsonl\"", 1));
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
    place.run("serve --index list.lykta --bind 0.0.0.0:0").refused(&["lykta serve token", "--no-auth"]);
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

/// An answer over one connection: status and body.
fn ask(service: &Service, token: &str, request: &str, body: &[u8]) -> (u16, String) {
    ask_at(&service.address, token, request, body)
}

fn ask_at(address: &str, token: &str, request: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = if request.contains(" HTTP/") { request.to_owned() } else { format!("{request} HTTP/1.1") };
    let head = format!(
        "{request}\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// The processes that a process started.
#[cfg(target_os = "linux")]
fn children(id: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Whether a process has not ended; its parent may not have asked after it yet.
#[cfg(target_os = "linux")]
fn is_running(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Decoders die without the service, and go on with the index that is in use even if another file has its place.
#[test]
#[cfg(target_os = "linux")]
fn pictures_are_decoded_by_workers_who_may_die() {
    let place = Place::with_demo();
    let token = configured(&place);
    let picture = place.read("dump/downloads/chat/mirrored.jpg");
    let service = Service::start(&place, "--index list.lykta --config lykta.toml --jobs 2");
    let is_answered = || {
        let (status, answer) = ask(&service, &token, "POST /v1/match", &picture);
        assert!(status == 200 && answer.contains("\"outcome\":\"matched_near_only\""), "{status} {answer}");
    };
    is_answered();
    let (status, before) = ask(&service, &token, "POST /v1/hash", &picture);
    assert!(status == 200 && before.contains("\"width\""), "{before}");
    place.write("next", "nonsense");
    fs::rename(place.path("next"), place.path("list.lykta")).unwrap();
    service.wait_for("the new files are refused");
    for _ in 0..3 {
        let workers = children(service.child.id());
        assert!(!workers.is_empty());
        assert!(Command::new("kill").arg("-KILL").args(&workers).status().unwrap().success());
        // A signal takes its time.
        while workers.iter().any(|worker| is_running(worker)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        is_answered();
        assert_eq!(ask(&service, &token, "POST /v1/hash", &picture), (200, before.clone()));
    }
    assert_eq!(service.end(), 0);
    // Without them, if that is wanted.
    place.run("index build --quiet -o list.lykta list.csv").expect(0);
    let config = String::from_utf8(place.read("lykta.toml")).unwrap();
    place.write("lykta.toml", config.replace("isolate = true", "isolate = false"));
    let service = Service::start(&place, "--index list.lykta --config lykta.toml");
    assert_eq!(ask(&service, &token, "POST /v1/hash", &picture), (200, before));
    assert_eq!(children(service.child.id()), [""; 0]);
    assert_eq!(service.end(), 0);
}

#[test]
fn an_audit_log_is_checked_and_added_up() {
    let place = Place::with_demo();
    let token = configured(&place);
    with_audit(&place);
    let service = Service::start(&place, "--index list.lykta --config lykta.toml");
    for _ in 0..3 {
        let (status, answer) =
            ask(&service, &token, "POST /v1/check/md5", b"900150983cd24fb0d6963f7d28e17f72");
        assert_eq!((status, answer.as_str()), (200, "true"));
    }
    assert_eq!(service.end(), 0);
    let checked = place.run("serve audit audit.jsonl").expect(0);
    assert!(checked.out.contains("4 lines are as written"), "{}", checked.out);
    let row: Vec<&str> =
        checked.out.lines().find(|line| line.starts_with("tests ")).unwrap().split_whitespace().collect();
    assert_eq!(row, ["tests", "3", "0", "3", "0", "0", "3"]);
    let digest = checked.out.trim().rsplit(' ').next().unwrap();
    place.run(&format!("serve audit audit.jsonl --quiet --log-sha256 {digest}")).expect(0);
    let json = place.run("serve audit --json audit.jsonl").expect(0).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["verified"], &json["clients"]["tests"]["matched"]), (&true.into(), &3.into()));
    // Shortened, altered, cut.
    let text = place.text("audit.jsonl");
    let shorter: String = text.split_inclusive('\n').take(3).collect();
    place.write("audit.jsonl", shorter);
    place.run(&format!("serve audit audit.jsonl --log-sha256 {digest}")).expect(1);
    place.write("audit.jsonl", text.replace("\"requests\":3", "\"requests\":2"));
    let altered = place.run("serve audit audit.jsonl").expect(1);
    assert!(altered.out.contains("not as it was written: line 3"), "{}", altered.out);
    place.write("audit.jsonl", &text[..text.len() - 5]);
    assert!(place.run("serve audit audit.jsonl").expect(1).out.contains("line 4: its end is missing"));
    place.run("serve audit none.jsonl").refused(&["none.jsonl", "check that it is there"]);
}

#[test]
fn an_index_alone_is_served_with_a_token_of_the_run() {
    let place = Place::with_demo();
    let mut service = Service::start(&place, "--index list.lykta");
    assert_eq!(ask(&service, "", "GET /v1/index", b"").0, 401);
    let token = service.token.take().unwrap();
    assert_eq!(ask(&service, &token, "GET /v1/index", b"").0, 200);
    assert_eq!(ask(&service, &token, "GET /metrics", b"").0, 200);
    // Its rate is for others.
    let batch = serde_json::json!({"hashes": vec!["sha1:a9993e364706816aba3e25717850c26c9cd0d89d"; 1000]})
        .to_string();
    for _ in 0..5 {
        let request = "POST /v1/match/hashes HTTP/1.1\r\nContent-Type: application/json";
        assert_eq!(ask(&service, &token, request, batch.as_bytes()).0, 200);
    }
    assert_eq!(service.end(), 0);
    // And said in words where a person reads them.
    let mut command = place.std_lykta();
    command.args(["serve", "--index", "none.lykta", "--bind", "127.0.0.1:0"]);
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(said.contains("the token of this run: lykta_"), "{said}");
    // Asked to end, it says so in its log and in no other words.
    let mut quiet = place.std_lykta();
    quiet.args(["serve", "--index", "list.lykta", "--bind", "127.0.0.1:0", "--quiet", "--no-auth"]);
    let child = quiet.stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap(), "");
    // Whoever lets everybody in is asked for none.
    let service = Service::start(&place, "--index list.lykta --no-auth");
    assert!(service.token.is_none());
    assert_eq!(service.end(), 0);
}

/// A host that speaks TLS is trusted if the system trusts it, or is told to.
#[test]
fn a_url_is_fetched_over_tls() {
    let place = Place::with_demo();
    let token = configured(&place);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lykta-server/tests/tls");
    let config = place.text("lykta.toml");
    let tls = format!(
        "[tls]\ncertificate = {:?}\nkey = {:?}\n",
        folder.join("certificate.pem"),
        folder.join("key.pem")
    );
    place.write("tls.toml", config.clone() + &tls);
    let host = Service::start(&place, "--index list.lykta --config tls.toml");
    let (_, port) = host.address.rsplit_once(':').unwrap();
    place.write("lykta.toml", config.replace("hosts = []", &format!("hosts = [\"localhost:{port}\"]")));
    let url = format!("GET /h/hash?content_type=video&url=https://localhost:{port}/docs.css");
    let asked_with = |trusted: &Path| {
        let service = Service::start_with(
            &place,
            "--index list.lykta --config lykta.toml",
            &[("SSL_CERT_FILE", trusted)],
        );
        let answer = ask(&service, &token, &url, b"");
        assert_eq!(service.end(), 0);
        answer
    };
    let (status, answer) = asked_with(&folder.join("certificate.pem"));
    assert!(status == 200 && answer.contains("video_md5"), "{status} {answer}");
    place.write("none.pem", "");
    assert_eq!(asked_with(&place.path("none.pem")).0, 502);
    assert_eq!(host.end(), 0);
}

/// A service that can start no worker says that nothing was compared, and ends when it is told to.
#[test]
#[cfg(target_os = "linux")]
fn without_a_worker_nothing_passes_for_compared() {
    let place = Place::with_demo();
    let token = configured(&place);
    let service = Service::start(&place, "--index list.lykta --config lykta.toml --jobs 1");
    let content =
        "--XyZ\r\nContent-Disposition: form-data; name=\"video\"; filename=\"a\"\r\n\r\nabc\r\n--XyZ--\r\n";
    let request = format!(
        "POST /m/lookup HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=XyZ\r\n",
        content.len()
    );
    // Over one connection: nothing can be opened any more afterwards.
    let mut stream = TcpStream::connect(&service.address).unwrap();
    stream.write_all(format!("{request}\r\n{content}").as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    let known = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(known.starts_with("HTTP/1.1 200") && known.contains("DIGESTS_CSV"), "{known}");
    let id = service.child.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &id, "--nofile=3:3"]).status().unwrap().success());
    let workers = children(service.child.id());
    assert!(Command::new("kill").arg("-KILL").args(&workers).status().unwrap().success());
    while workers.iter().any(|worker| is_running(worker)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(format!("{request}Connection: close\r\n\r\n{content}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("nothing was compared"), "{answer}");
    assert_eq!(service.end(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_audit_log_has_one_writer_and_survives_a_full_disk() {
    let place = Place::with_demo();
    let token = configured(&place);
    with_audit(&place);
    let service = Service::start(&place, "--index list.lykta --config lykta.toml");
    // The same once more, by mistake: the address is taken.
    let again = format!("serve --quiet --index list.lykta --config lykta.toml --bind {}", service.address);
    assert!(place.run(&again).expect(2).err.contains("cannot listen"));
    // At another address, but with the same log.
    let again =
        place.run("serve --quiet --index list.lykta --config lykta.toml --bind 127.0.0.1:0").expect(2);
    assert!(again.err.contains("in use"), "{}", again.err);
    assert_eq!(service.end(), 0);
    place.run("serve audit audit.jsonl --quiet").expect(0);
    // No line is left half-written where there is no room for it.
    let mut shell = Command::new("sh");
    let lykta = place.std_lykta();
    shell.arg("-c").arg(format!(
        "trap '' XFSZ; exec {:?} serve --json --index list.lykta --config lykta.toml --bind 127.0.0.1:0",
        lykta.get_program()
    ));
    let service = Service::spawn(shell.current_dir(place.path(".")));
    let (id, room) = (service.child.id().to_string(), place.read("audit.jsonl").len() + 10);
    let limited = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={room}:{room}")]).status();
    assert!(limited.unwrap().success());
    place.run("index build --quiet -o list.lykta list.csv").expect(0);
    service.wait_for("the audit log cannot be written");
    place.run("serve audit audit.jsonl --quiet").expect(0);
    assert_eq!(ask(&service, &token, "GET /v1/index", b"").0, 200);
    assert_eq!(service.end(), 0);
    place.run("serve audit audit.jsonl --quiet").expect(0);
}

/// Each answer about a file is of one whole index, too, when workers are started anew for it.
#[test]
fn pictures_are_answered_while_indexes_are_swapped() {
    let place = Place::with_demo();
    let token = configured(&place);
    let picture = place.read("dump/downloads/chat/mirrored.jpg");
    let config = place.text("lykta.toml");
    place.write(
        "lykta.toml",
        config.replace("per_second = 1000.0\nburst = 2000.0", "per_second = 1e6\nburst = 1e6"),
    );
    let service = Service::start(&place, "--index list.lykta --config lykta.toml --jobs 2");
    let (address, is_over) = (service.address.clone(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while !is_over.load(SeqCst) || asked < 20 {
                let (status, answer) = ask_at(&address, &token, "POST /v1/match", &picture);
                assert!(status == 200 && answer.contains("matched_near_only"), "{status} {answer}");
                asked += 1;
            }
        });
        for lists in ["list.csv", "list.csv digests.csv", "list.csv", "list.csv digests.csv"] {
            place.run(&format!("index build --quiet -o list.lykta {lists}")).expect(0);
            service.wait_for("index in use");
        }
        is_over.store(true, SeqCst);
        asking.join().unwrap();
    });
    assert_eq!(service.end(), 0);
}
