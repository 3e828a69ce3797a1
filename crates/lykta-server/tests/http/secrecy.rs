//! What an answer must not say of the list.

use serde_json::{Value, json};

use crate::place::{PDQ, Place, UNKNOWN, build};

/// A hash that differs in so many bits, from the last on.
fn at_distance(pdq: &str, bits: usize) -> String {
    let mut digits: Vec<u32> = pdq.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    let last = digits.len() - 1;
    (0..bits).for_each(|bit| digits[last - bit / 4] ^= 1 << (bit % 4));
    digits.iter().map(|digit| char::from_digit(*digit, 16).unwrap()).collect()
}

/// Entries at these distances from a hash, in two lists.
fn with_distances(
    pdq: &str,
    distances: [&[usize]; 2],
    change: impl FnOnce(&mut lykta_server::Config),
) -> Place {
    Place::with(|config| {
        let list = |number: usize| {
            let rows: Vec<String> = distances[number]
                .iter()
                .map(|bits| format!("{number}-{bits},{}\n", at_distance(pdq, *bits)))
                .collect();
            format!("id,pdq\n{}", rows.concat())
        };
        let lists = [list(0), list(1)];
        build(&config.index[0], &[("b.csv", lists[0].as_bytes()), ("a.csv", lists[1].as_bytes())]);
        change(config);
    })
}

fn entries(matches: &Value) -> Vec<&str> {
    matches.as_array().unwrap().iter().map(|found| found["entry"].as_str().unwrap()).collect()
}

#[test]
fn who_may_not_see_distances_does_not_see_their_order() {
    let place = with_distances(PDQ, [&[9, 0, 20], &[12, 3, 7]], |_| ());
    let ask = |token: &str| {
        let answer = place.batch(token, &[&format!("pdq:{PDQ}")]).expect(200).json();
        answer["answers"][0].clone()
    };
    assert_eq!(entries(&ask(&place.all)["matches"]), ["0-0", "1-3", "1-7", "0-9", "1-12", "0-20"]);
    // By list and row.
    assert_eq!(entries(&ask(&place.matching)["matches"]), ["1-12", "1-3", "1-7", "0-9", "0-0", "0-20"]);
    let raw = format!("/m/raw_lookup?signal={PDQ}&signal_type=pdq");
    let second = 1u64 << 32;
    let ids = place.get(&place.matching, &raw).expect(200).json();
    assert_eq!(ids["matches"], json!([second + 1, second + 2, second + 3, 1, 2, 3]));
}

#[test]
fn what_is_left_out_is_not_what_is_farthest() {
    let place = with_distances(PDQ, [&[9, 0, 20], &[12, 3, 7]], |config| config.limits.matches = 2);
    let answer = place.batch(&place.matching, &[&format!("pdq:{PDQ}")]).expect(200).json();
    assert_eq!(entries(&answer["answers"][0]["matches"]), ["1-12", "1-3"]);
    assert_eq!(answer["answers"][0]["matches_left_out"], 4);
    // In HMA's shape no bank is left out for another, and a header says what there is no place for.
    let reply = place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(200);
    let banks = reply.json();
    let distances = |bank: &str| {
        let contents = banks[bank].as_array().unwrap();
        contents.iter().map(|content| content["distance"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (distances("A_CSV"), distances("B_CSV")),
        (vec!["3".into(), "7".into()], vec!["0".into(), "9".into()])
    );
    assert!(reply.head.contains("\r\nx-lykta-matches-left-out: 2"), "{}", reply.head);
}

/// Near and not near enough are two distances.
#[test]
fn a_match_that_is_too_far_to_count_is_for_those_who_may_see_distances() {
    let place = Place::new();
    let pdq = place.post(&place.hashing, "/v1/hash", UNKNOWN).expect(200).json()["pdq"].clone();
    let pdq = pdq.as_str().unwrap();
    let place = with_distances(pdq, [&[2], &[29]], |config| {
        config.matching.band = lykta_server::WeakestBand::Strong;
    });
    let ask = |token: &str| place.post(token, "/v1/match", UNKNOWN).expect(200).json();
    let all = ask(&place.all);
    let below: Vec<&Value> =
        all["matches"].as_array().unwrap().iter().map(|found| &found["below_band"]).collect();
    assert_eq!(below.iter().filter(|below| ***below == true).count(), 1, "{all}");
    let few = ask(&place.matching);
    assert_eq!(entries(&few["matches"]), ["0-2"]);
    assert!(!few.to_string().contains("below_band"));
    // That there is nothing but such a match is not told either.
    let place = with_distances(pdq, [&[29], &[60]], |config| {
        config.matching.band = lykta_server::WeakestBand::Strong;
    });
    let ask = |token: &str| place.post(token, "/v1/match", UNKNOWN).expect(200).json();
    assert_eq!(ask(&place.all)["outcome"], "noted");
    let few = ask(&place.matching);
    assert_eq!((&few["outcome"], &few["matches"]), (&json!("unmatched_exact_and_near"), &json!([])));
}
