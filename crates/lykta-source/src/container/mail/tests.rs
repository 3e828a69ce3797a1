use proptest::prelude::*;

use super::super::testing::{all, is_sturdy, noise, whole};
use super::*;

fn base64(bytes: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(bytes);
    text.as_bytes().chunks(76).map(|line| format!("{}\r\n", str::from_utf8(line).unwrap())).collect()
}

fn quoted(bytes: &[u8]) -> String {
    let texts: Vec<String> = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
    texts.chunks(24).map(|line| line.concat() + "=\r\n").collect()
}

fn picture() -> Vec<u8> {
    noise(11, 40_001)
}

fn message() -> Vec<u8> {
    let picture = picture();
    let nested = "From: b@example\r\nSubject: inner\r\n\r\ninner text";
    format!(
        "Received: from x by y\r\n\tfor z\r\nFrom: a@example\r\nTo: b@example\r\nSubject: pictures\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"=_outer\"\r\n\r\nno MIME here\r\n\
         --=_outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nhello\r\n\
         --inner\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E5 =3D=\r\n</p>\r\n\
         --inner--\r\nbetween\r\n\
         --=_outer\r\nContent-Type: image/jpeg; name*=utf-8''bl%C3%A5.jpg\r\nContent-Transfer-Encoding: BASE64\r\n\
         Content-Disposition: attachment\r\n\r\n{}\r\n\
         --=_outer\r\nContent-Type: image/png\r\nContent-Disposition: inline; filename=\"=?utf-8?Q?r=C3=B6d.png?=\"\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n\
         --=_outer\r\nContent-Type: message/rfc822\r\n\r\n{nested}\r\n\
         --=_outer\r\n\r\nbare\r\n\
         --=_outer--\r\nepilogue\r\n",
        base64(&picture),
        quoted(&picture),
    )
    .into_bytes()
}

/// Multiparts of which the ends are there as well: those that were too deep passed for an ordinary part, and what
/// was in them was neither looked at nor told.
#[test]
fn multiparts_that_lie_too_deep_are_told() {
    let deep = |levels: usize| {
        let mut text = "From: a@example\r\nTo: b@example\r\nSubject: deep\r\n".to_owned();
        for k in 0..levels {
            text += &format!("Content-Type: multipart/mixed; boundary=b{k}\r\n\r\n--b{k}\r\n");
        }
        text += "\r\nbare\r\n";
        (0..levels).rev().for_each(|k| text += &format!("--b{k}--\r\n"));
        all(Container::Mail, text.as_bytes()).0
    };
    let [good, over] = [MOST_LEVELS, MOST_LEVELS + 1].map(deep);
    assert_eq!((good.len(), &good[0].bytes[..], &good[0].end), (1, &b"bare"[..], &None));
    assert_eq!(over.len(), 1);
    assert!(over[0].end.as_ref().unwrap().contains("more than 64 multiparts"), "{over:?}");
}

#[test]
fn every_leaf_of_a_message_is_a_member() {
    let found = whole(Container::Mail, &message());
    let names: Vec<&str> = found.iter().map(|got| &got.name[..]).collect();
    assert_eq!(names, ["part 1.plain", "part 2.html", "blå.jpg", "röd.png", "part 5.rfc822", "part 6.plain"]);
    assert!(found.iter().all(|got| got.end.is_none()));
    assert_eq!(found[0].bytes, b"hello");
    assert_eq!(found[1].bytes, b"<p>\xe5 =</p>");
    assert!(found[2].bytes == picture());
    assert!(found[3].bytes == picture());
    assert_eq!(found[4].bytes, b"From: b@example\r\nSubject: inner\r\n\r\ninner text");
    assert_eq!(found[4].known, Some(Container::Mail));
    assert_eq!(found[5].bytes, b"bare");
    assert!(message()[found[2].offset.unwrap() as usize..].starts_with(b"Content-Type: image/jpeg"));
    // With bare line feeds.
    let text = message().into_iter().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
    let found = whole(Container::Mail, &text);
    assert!(found.len() == 6 && found[2].bytes == picture() && found[3].bytes == picture());
}

#[test]
fn a_message_of_one_part_is_one_member() {
    let head = "From: a\nDate: x\nMessage-ID: <x>\n";
    let found = whole(Container::Mail, format!("{head}\ntext\n").as_bytes());
    assert_eq!((found.len(), &found[0].bytes[..]), (1, &b"text\n"[..]));
    let picture = picture();
    let text =
        format!("{head}Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\n{}", base64(&picture));
    let found = whole(Container::Mail, text.as_bytes());
    assert!(found[0].bytes == picture && found[0].name == "part 1.gif");
}

#[test]
fn damage_gives_what_is_left() {
    let whole = message();
    let cut = memchr::memmem::find(&whole, b"BASE64").unwrap() + 30_000;
    let (found, _) = all(Container::Mail, &whole[..cut]);
    assert_eq!(found.len(), 3);
    assert_eq!(found[2].end.as_deref(), Some("is cut short"));
    assert!(picture().starts_with(&found[2].bytes) && found[2].bytes.len() > 20_000);
    // Characters of no alphabet, and padding in the middle.
    let head = "From: a\nTo: b\nSubject: c\nContent-Transfer-Encoding: base64\n\n";
    let (found, _) = all(Container::Mail, format!("{head}aG*Vs\nbG8=\nd29y!bGQ\n").as_bytes());
    assert_eq!(found[0].bytes, b"helloworld");
}

#[test]
fn a_multipart_without_its_boundary_is_a_leaf() {
    let head = "From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed; boundary=x\n\n";
    for (body, expected) in [
        ("--y\n\ntext\n", vec!["--y\n\ntext\n"]),
        ("text\n--x--\n", vec!["text"]),
        (
            "--x\nContent-Type: multipart/mixed; boundary=y\n\ntext\n--x\n\nmore\n--x--\n",
            vec!["text", "more"],
        ),
    ] {
        let found = whole(Container::Mail, format!("{head}{body}").as_bytes());
        let bytes: Vec<_> = found.iter().map(|got| str::from_utf8(&got.bytes).unwrap()).collect();
        assert_eq!(bytes, expected);
    }
}

#[test]
fn files_in_texts_are_members() {
    let text = "From: a\nTo: b\nSubject: c\n\nsee\nbegin 644 cat.txt\n#0V%T\n`\nend\nbegin the day\n";
    let found = whole(Container::Mail, text.as_bytes());
    assert_eq!(found.len(), 2);
    assert_eq!((&found[1].name[..], &found[1].bytes[..], &found[1].end), ("cat.txt", &b"Cat"[..], &None));
}

#[test]
fn what_is_encrypted_is_said_to_be() {
    for (content, body) in [
        ("multipart/encrypted; boundary=x", "--x\n\nVersion: 1\n--x--\n"),
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "AAAA"),
        ("text/plain", "-----BEGIN PGP MESSAGE-----\n\nhQ\n"),
    ] {
        let text = format!("From: a\nTo: b\nSubject: c\nContent-Type: {content}\n\n{body}");
        let found = whole(Container::Mail, text.as_bytes());
        assert_eq!((found.len(), found[0].end.as_deref()), (1, Some("Encrypted")), "{content}");
    }
}

#[test]
fn other_texts_are_no_mail() {
    for text in [
        "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: text/html\r\nFrom: x\r\nSubject: y\r\n\r\n",
        "Date: x\r\nServer: y\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nFrom: x\r\nTo: y\r\nSubject: z\r\n\r\n",
        "From: the beginning\nit was said\nTo: all\nSubject: none\n",
        "Subject: a\n\nFrom: x\nTo: y\n",
        "title: x\nauthor: y\ndate: z\n\ntext\n",
        "Package: x\nVersion: 1\nMaintainer: y\nDescription: z\n",
        "a,b,c\nfrom,to,subject\n",
        "",
        "\n\nFrom: a\nTo: b\nSubject: c\n",
    ] {
        assert_eq!(Container::sniff(text.as_bytes()), None, "{text}");
    }
    let crawl = b"WARC/1.0\r\nFrom: x\r\nContent-Type: a\r\nDate: x\r\n\r\n";
    assert_eq!((Container::sniff(crawl), sniff(crawl)), (Some(Container::Warc), None));
    let long = format!("From: a\r\nTo: b\r\nSubject: c\r\nX: {}", "y".repeat(Container::SNIFF_LEN));
    assert_eq!(Container::sniff(&long.as_bytes()[..Container::SNIFF_LEN]), Some(Container::Mail));
}

#[test]
fn hostile_messages_take_bounded_time() {
    let head = "From: a\nTo: b\nSubject: c\n";
    let mut deep = head.to_owned();
    for k in 0..10_000 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{k}\n\n--b{k}\n");
    }
    let parts = format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(200_000));
    let same = head.to_owned() + &"Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(100_000);
    let lines = format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{}", "--\n".repeat(1_000_000));
    let fields = format!("{head}{}\n", "Content-Type: multipart/mixed; boundary=(((((\n".repeat(100_000));
    let begins = format!("{head}\n{}", "begin 644 x\n".repeat(200_000));
    let nested = head.to_owned() + &"Content-Type: message/rfc822\n\n".repeat(100_000);
    for text in [deep, parts, same, lines, fields, begins, nested] {
        let start = std::time::Instant::now();
        let (found, _) = all(Container::Mail, text.as_bytes());
        println!("{} bytes, {} members: {:?}", text.len(), found.len(), start.elapsed());
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn spoiled_messages_end(
        cut in 0usize..3000,
        spoiled in prop::collection::vec((0usize..3000, any::<u8>()), 0..20),
    ) {
        let text = String::from_utf8(message()).unwrap();
        let text = text.replace(&base64(&picture()), "aGVsbG8=\r\n").replace(&quoted(&picture()), "a=3D");
        is_sturdy(Container::Mail, text.as_bytes(), cut, &spoiled);
    }
}
