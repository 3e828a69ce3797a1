//! Every sentence of the page, in each of its languages: one table, so that none is forgotten.
//!
//! `{1}`, `{2}`... stand for values. Words of the contract (outcomes, kinds, views) stay as they are in
//! the files of results; where the page explains them it does so in its language.

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
}

impl Language {
    /// The code of the language, as HTML has it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Swedish => "sv",
        }
    }
}

/// A text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    english: &'static str,
    swedish: &'static str,
}

impl Text {
    pub(crate) const fn say(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Swedish => self.swedish,
        }
    }

    /// The text with its values. A value is taken as it is, whatever it looks like.
    pub(crate) fn fill(self, language: Language, values: &[&str]) -> String {
        let mut filled = String::new();
        let mut rest = self.say(language);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (number, after) = after.split_once('}').unwrap_or((after, ""));
            let value = number.parse::<usize>().ok().and_then(|number| values.get(number.checked_sub(1)?));
            filled.push_str(value.copied().unwrap_or_default());
            rest = after;
        }
        filled + rest
    }
}

/// The table: a row is a name and its two columns. A row without the second does not compile.
macro_rules! texts {
    ($($name:ident: $english:literal, $swedish:literal;)*) => {
        $(pub(crate) const $name: Text = Text { english: $english, swedish: $swedish };)*
        #[cfg(test)]
        const ALL: &[(&str, Text)] = &[$((stringify!($name), $name)),*];
    };
}

texts! {
    TITLE: "Scan report", "Rapport från genomsökning";

    ITEM: "{1} item", "{1} objekt";
    ITEMS: "{1} items", "{1} objekt";
    SEEN: "{1} seen, {2} examined: ", "{1} påträffade, varav {2} undersökta: ";
    NO_MATCH: "no match in the lists given", "ingen träff i de angivna listorna";
    MATCHED: "{1} matched", "{1} gav träff";
    NOTED_ONLY: "{1} noted, no match otherwise", "{1} gav en notering, ingen träff i övrigt";
    MATCHED_AND_NOTED: "{1} matched, {2} noted", "{1} gav träff, {2} gav en notering";
    SOME_FAILED: "; {1} failed", "; {1} kunde inte undersökas";
    SOME_SKIPPED: "; {1} skipped", "; {1} hoppades över";
    STOPPED: "; the scan was stopped before its end", "; genomsökningen avbröts innan den var klar";

    NEAR_OFF: "near matching not performed: it was switched off",
        "likhetsjämförelse utfördes inte: den var avstängd";
    NEAR_NO_PDQ: "near matching not performed: the lists hold no PDQ",
        "likhetsjämförelse utfördes inte: listorna innehåller ingen PDQ";
    ACCESS_TIMES: "times of access may have changed: the system did not allow reading {1} of the files without",
        "åtkomsttider kan ha ändrats: systemet tillät inte att {1} av filerna lästes utan det";
    DISPUTED_MATCH: "{1} match with disputed entries, which count as any other",
        "{1} träff på ifrågasatta poster, som räknas som alla andra";
    DISPUTED_MATCHES: "{1} matches with disputed entries, which count as any other",
        "{1} träffar på ifrågasatta poster, som räknas som alla andra";
    RETRACTED_MATCH: "{1} match left out: a later index retracts their entries",
        "{1} träff utelämnad: ett senare index återkallar posterna";
    RETRACTED_MATCHES: "{1} matches left out: a later index retracts their entries",
        "{1} träffar utelämnade: ett senare index återkallar posterna";
    NOT_ALL_READ: "damage may be unseen in the colours of {1} of the JPEGs: they are in scans of their own, which were not read",
        "skador i färgerna kan vara oupptäckta i {1} av JPEG-bilderna: färgerna ligger i egna avsnitt som inte lästes";
    BELOW_BAND: "{1} in a weaker band than was asked for alone: reported, and not counted",
        "{1} gav träff endast i ett svagare band än det begärda: de redovisas men räknas inte";
    FREQUENT: "entry {1} of list {2} matched {3} items: it may be a blank or very common picture; look at it, and have its matches marked with --dispute if it is one",
        "posten {1} i listan {2} gav träff på {3} objekt: den kan vara en tom eller mycket vanlig bild; granska den och låt i så fall märka dess träffar med --dispute";
    FREQUENT_UNNAMED: "an entry of list {1}, not named here, matched {2} items: it may be a blank or very common picture; look at it, and have its matches marked with --dispute if it is one",
        "en post i listan {1}, som inte namnges här, gav träff på {2} objekt: den kan vara en tom eller mycket vanlig bild; granska den och låt i så fall märka dess träffar med --dispute";

    REDACTED: "Names are left out: this page has no file name or path of what was scanned. An item is told by its SHA-256 and its size, an entry of a list by its row. findings.jsonl, errors.jsonl, log.jsonl and manifest.json have the names",
        "Namn är utelämnade: denna sida innehåller inga filnamn eller sökvägar från det genomsökta materialet. Ett objekt anges med sin SHA-256 och sin storlek, en post i en lista med sin rad. Namnen finns i findings.jsonl, errors.jsonl, log.jsonl och manifest.json";

    SHA256: "SHA-256", "SHA-256";
    SUMMARY: "Summary", "Sammanfattning";
    OUTCOME: "Outcome", "Utfall";
    ITEMS_HEAD: "Items", "Objekt";
    BYTES: "Bytes", "Byte";
    ALL_SEEN: "seen", "påträffade";

    HOW_MADE: "How it was made", "Hur rapporten kom till";
    CASE: "Case", "Ärende";
    OPERATOR: "Operator", "Operatör";
    PROGRAM: "Program", "Program";
    BUILT: "Built from commit {1} for {2}", "Byggt av incheckning {1} för {2}";
    SETTINGS: "Settings", "Inställningar";
    SCANNED: "What was scanned", "Vad som genomsöktes";
    PATHS_SHOW: "paths: {1}", "sökvägar: {1}";
    PATHS_UNNAMED: "paths, not named here: {1}", "sökvägar, som inte namnges här: {1}";
    INDEX: "Index", "Index";
    DISPUTED_FILE: "Disputed entries", "Ifrågasatta poster";
    DISPUTED_NAMED: "{1} named in {2}", "{1} angivna i {2}";
    DISPUTED_COUNT: "{1} named in a file", "{1} angivna i en fil";
    MANIFEST: "Times, computer, arguments and the SHA-256 of every file of this report are in manifest.json; what happened in its order is in log.jsonl. Check both with: lykta report verify",
        "Tider, dator, argument och SHA-256 för varje fil i rapporten finns i manifest.json; vad som hände, i ordning, finns i log.jsonl. Kontrollera båda med: lykta report verify";

    LISTS: "Lists used", "Använda listor";
    LIST: "List", "Lista";
    ROLE: "Role", "Roll";
    ROWS: "Rows", "Rader";
    ACCEPTED: "Accepted", "Godtagna";
    REJECTED: "Rejected", "Avvisade";

    FINDINGS: "Findings", "Fynd";
    FINDINGS_ABOUT: "Names are shown when a finding is opened.", "Namn visas när ett fynd öppnas.";
    FINDING: "finding {1}", "fynd {1}";
    FINDING_HEAD: "Finding", "Fynd";
    NEAREST: "Distance", "Avstånd";
    MATCHES: "Matches", "Träffar";
    NO_SHA256: "no SHA-256, {1} bytes", "ingen SHA-256, {1} byte";
    SHA256_SIZE: "SHA-256 {1}, {2} bytes", "SHA-256 {1}, {2} byte";
    SIZE_UNKNOWN: "unknown", "okänt antal";
    SAME_BYTES: "{1}: the same bytes, as far as this digest tells",
        "{1}: samma innehåll, så långt denna kontrollsumma kan visa";
    NEAR: "{1}: looks alike, distance {2} bits, view {3}", "{1}: liknar, avstånd {2} bitar, vy {3}";
    RECTANGLE: "rectangle {1}", "rektangel {1}";
    ENTRY_PART: "part {1} of the entry", "posten är delen {1} av sin bild";
    COARSE: "coarse distance {1}", "grovt avstånd {1}";
    BAND_IS: "band {1}", "band {1}";
    STRONG: "strong", "starkt";
    MEDIUM: "medium", "medel";
    WEAK_BAND: "weak", "svagt";
    PLAIN: "plain picture", "enformig bild";
    BELOW: "below the band asked for, not counted", "under det begärda bandet, räknas inte";
    ROLE_IS: "role {1}", "roll {1}";
    ROLE_MATCH: "match", "träff";
    ROLE_NOTE: "note", "notering";
    ROLE_IGNORE: "ignore", "ignorera";
    LABEL: "label {1} {2} {3}", "märkning {1} {2} {3}";
    SERIES: "series {1}", "serie {1}";
    VICTIM: "victim identified {1}", "offer identifierat: {1}";
    SITE_LABEL: "site label {1}", "egen märkning {1}";
    WEAK: "weak: this digest can be forged", "svag: denna kontrollsumma kan förfalskas";
    DISPUTED: "disputed", "ifrågasatt";
    ENTRY: "{1}: {2} (row {3})", "{1}: {2} (rad {3})";
    ENTRY_UNNAMED: "{1}: row {2}", "{1}: rad {2}";
    MORE_MATCHES: "and {1} more matches: see findings.jsonl", "och {1} träffar till: se findings.jsonl";

    FILTER: "Filter", "Filtrera";
    FILTER_TEXT: "Text", "Text";
    FILTER_KIND: "Kind of hash", "Slag av hash";
    FILTER_BAND: "Band", "Band";
    FILTER_ALL: "all", "alla";
    OPEN_ALL: "Show or hide all names", "Visa eller dölj alla namn";
    FILTER_SHOWN: "Findings shown:", "Visade fynd:";

    PROBLEMS: "Not examined, or not completely", "Inte undersökt, eller inte fullständigt";
    PROBLEM: "problem {1}", "problem {1}";
    PROBLEM_HEAD: "Problem", "Problem";
    PROBLEM_UNNAMED: "line {1} of errors.jsonl, {2} bytes", "rad {1} i errors.jsonl, {2} byte";
    REASON: "Reason", "Orsak";
    COMPARED: "Compared all the same", "Jämfördes ändå";
    COMPARED_NOTHING: "nothing", "ingenting";
    COMPARED_NEAR: "near", "likhet";
    COMPARED_EXACT: "exact", "exakt";
    COMPARED_BOTH: "exact and near", "exakt och likhet";
    NONE: "None.", "Inga.";
    CUT: "The first {1} of {2} are shown; {3} has all of them.", "De första {1} av {2} visas; {3} innehåller alla.";

    WORDS: "What the words mean", "Vad orden betyder";
    MEANS_EXACT: "A digest of the file is in a list: the same bytes, as far as the digest can tell.",
        "En kontrollsumma för filen finns i en lista: samma innehåll, så långt kontrollsumman kan visa.";
    MEANS_NEAR: "No digest is in a list, but the picture looks like one in a list. A person must compare the two.",
        "Ingen kontrollsumma finns i någon lista, men bilden liknar en som finns i en lista. En människa måste jämföra de två.";
    MEANS_NOTED: "Only entries that lists mark as worth a note were hit, or only by likeness in a weaker band than was asked for. Not counted as found.",
        "Träff endast på poster som listorna anger som värda en notering, eller endast genom likhet i ett svagare band än det begärda. Räknas inte som funnet.";
    MEANS_IGNORED: "Only entries of ignore lists were hit, by digest.",
        "Träff endast på poster i ignoreringslistor, genom kontrollsumma.";
    MEANS_UNMATCHED: "No match in the lists given, by digest and by likeness.",
        "Ingen träff i de angivna listorna, varken genom kontrollsumma eller genom likhet.";
    MEANS_EXACT_ONLY: "No match in the lists given by digest; likeness was not compared, for the reason given.",
        "Ingen träff i de angivna listorna genom kontrollsumma; likhet jämfördes inte, av den orsak som anges.";
    MEANS_FAILED: "The item could not be examined, or not as it should have been.",
        "Objektet kunde inte undersökas, eller inte på det sätt som det skulle.";
    MEANS_SKIPPED: "The item was left out on purpose, for the reason given.",
        "Objektet utelämnades med avsikt, av den orsak som anges.";
    DISTANCE_WORD: "distance", "avstånd";
    MEANS_DISTANCE: "In how many of 256 bits the hashes of two pictures differ: 0 is alike in every bit. It is no probability.",
        "I hur många av 256 bitar två bilders hashar skiljer sig åt: 0 är lika i varje bit. Det är ingen sannolikhet.";
    BAND_WORD: "band", "band";
    MEANS_BAND: "In which part of a measured table a match by likeness lies. Strong: nothing unrelated came as near. Medium: no unrelated photograph did; pages and screens may. Weak: different pictures may be as near.",
        "I vilken del av en uppmätt tabell en träff genom likhet ligger. Starkt: inget orelaterat kom så nära. Medel: inget orelaterat fotografi gjorde det, men sidor och skärmbilder kan göra det. Svagt: olika bilder kan ligga så nära.";
    VIEW_WORD: "view", "vy";
    MEANS_VIEW: "What of the picture came nearest: as it is stored (original), turned (rot90, rot180, rot270), mirrored, without its borders (unbordered), its upper or lower part.",
        "Vad av bilden som kom närmast: som den är lagrad (original), vriden (rot90, rot180, rot270), spegelvänd, utan ram (unbordered), dess övre eller nedre del.";

    LIMITS: "What this report cannot say", "Vad denna rapport inte kan säga";
    LIMIT_LISTS: "A list holds what somebody has seen before. Items without a match are not in the lists given; nothing more follows.",
        "En lista innehåller det som någon har sett förut. Objekt utan träff finns inte i de angivna listorna; mer än så följer inte.";
    LIMIT_NEAR: "A match by likeness says that two pictures have similar hashes at the distance given. Different pictures can have similar hashes, and an edited picture can have a very different one.",
        "En träff genom likhet säger att två bilder har liknande hashar på det angivna avståndet. Olika bilder kan ha liknande hashar, och en redigerad bild kan ha en helt annan.";
    LIMIT_WEAK: "MD5 and SHA-1 can be forged: a match by one of them alone is marked weak.",
        "MD5 och SHA-1 kan förfalskas: en träff enbart genom en av dem märks som svag.";
    LIMIT_DISPUTED: "Somebody disputes that the entry of a match marked disputed belongs into its list. Such a match counts as any other.",
        "Någon ifrågasätter att posten bakom en träff märkt som ifrågasatt hör hemma i sin lista. En sådan träff räknas som alla andra.";
    LIMIT_LABELS: "A label is the opinion of the body that made the list. This program does not look at what a picture shows.",
        "En märkning är en bedömning av den som gjort listan. Programmet ser inte vad en bild föreställer.";
    LIMIT_STILLS: "Likeness is compared for still pictures of the formats that are decoded. Videos are compared as whole files, by digest.",
        "Likhet jämförs för stillbilder i de format som avkodas. Filmer jämförs som hela filer, genom kontrollsumma.";
    LIMIT_CONTAINERS: "Archives, crawls, mail and PDF are looked into, unless the settings say otherwise, in the formats that the command formats lists. What is encrypted is not read. Other archives and documents are compared as whole files, by digest.",
        "Arkiv, webbinsamlingar, e-post och PDF undersöks inuti, om inte inställningarna säger annat, i de format som kommandot formats räknar upp. Det som är krypterat läses inte. Andra arkiv och dokument jämförs som hela filer, genom kontrollsumma.";
    LIMIT_DISKS: "Disk images are not looked into, nor are deleted files or space that no file uses.",
        "Diskavbilder undersöks inte inuti, och inte heller raderade filer eller utrymme som ingen fil använder.";
    LIMIT_PROBLEMS: "Items that failed or were skipped are listed above with the reason. They were not examined, or not completely.",
        "Objekt som misslyckades eller hoppades över står ovan med orsak. De undersöktes inte, eller inte fullständigt.";

    WHY_NOT_A_PICTURE: "not a picture", "inte en bild";
    WHY_QUALITY: "quality below the gate", "kvalitet under gränsen";
    WHY_NEAR_OFF: "near search off", "likhetssökning avstängd";
    WHY_NO_PERCEPTUAL: "the lists hold no perceptual hash", "listorna innehåller ingen perceptuell hash";
    WHY_CHANGED: "changed while read", "ändrades under läsningen";
    WHY_DAMAGED: "picture is damaged", "bilden är skadad";
    WHY_UNSUPPORTED: "picture format is not decoded", "bildformatet avkodas inte";
    WHY_OVER: "picture is over the limits", "bilden överskrider gränserna";
    WHY_INTERNAL: "internal error", "internt fel";
    WHY_WORKER_CRASHED: "worker crashed", "arbetsprocessen kraschade";
    WHY_WORKER_MEMORY: "worker ran out of memory", "arbetsprocessens minne tog slut";
    WHY_WORKER_TIME: "worker ran out of processor time", "arbetsprocessens processortid tog slut";
    WHY_WORKER_SILENT: "worker was silent for too long", "arbetsprocessen var tyst för länge";
    WHY_WORKER_UNTRUE: "worker answered wrongly", "arbetsprocessen svarade fel";
    WHY_WORKER_PANICKED: "worker panicked", "internt fel i arbetsprocessen";
    WHY_TOO_DEEP: "too deep", "för djupt";
    WHY_TOO_LARGE: "larger than an item may be", "större än ett objekt får vara";
    WHY_USED_UP: "the bytes of this scan are used up", "genomsökningens mängd byte är förbrukad";
    WHY_STOPPED: "the scan was stopped", "genomsökningen avbröts";
    WHY_NOT_LISTED: "folder not listed", "mappen kunde inte listas";
    WHY_NOT_LOOKED_UP: "not looked up", "kunde inte slås upp";
    WHY_LINK_NOT_READ: "link not read", "länken kunde inte läsas";
    WHY_NOT_OPENED: "not opened", "kunde inte öppnas";
    WHY_NOT_READ: "not read", "kunde inte läsas";
    WHY_REPLACED: "replaced", "utbytt mot något annat";
    WHY_NOT_TO_END: "not read to the end", "kunde inte läsas till slutet";
    WHY_ROOT: "root", "angiven sökväg";
    WHY_LINK: "link not followed", "länken följdes inte";
    WHY_OUT_OF_SCOPE: "out of scope", "utanför det angivna";
    WHY_DANGLING: "link to nothing", "länken leder ingenstans";
    WHY_LOOP: "link loop", "länkarna går i ring";
    WHY_ALREADY: "walked under another name", "redan genomgånget under ett annat namn";
    WHY_SPECIAL: "special file", "specialfil";
}

/// The reasons that results have, by their own words, which are the English ones.
const REASONS: &[Text] = &[
    WHY_NOT_A_PICTURE,
    WHY_QUALITY,
    WHY_NEAR_OFF,
    WHY_NO_PERCEPTUAL,
    WHY_CHANGED,
    WHY_DAMAGED,
    WHY_UNSUPPORTED,
    WHY_OVER,
    WHY_INTERNAL,
    WHY_WORKER_CRASHED,
    WHY_WORKER_MEMORY,
    WHY_WORKER_TIME,
    WHY_WORKER_SILENT,
    WHY_WORKER_UNTRUE,
    WHY_WORKER_PANICKED,
    WHY_TOO_DEEP,
    WHY_TOO_LARGE,
    WHY_USED_UP,
    WHY_STOPPED,
    WHY_NOT_LISTED,
    WHY_NOT_LOOKED_UP,
    WHY_LINK_NOT_READ,
    WHY_NOT_OPENED,
    WHY_NOT_READ,
    WHY_REPLACED,
    WHY_NOT_TO_END,
    WHY_ROOT,
    WHY_LINK,
    WHY_OUT_OF_SCOPE,
    WHY_DANGLING,
    WHY_LOOP,
    WHY_ALREADY,
    WHY_SPECIAL,
];

/// The words of results that are neither names nor outcomes.
const VALUES: &[Text] = &[
    STRONG,
    MEDIUM,
    WEAK_BAND,
    ROLE_MATCH,
    ROLE_NOTE,
    ROLE_IGNORE,
    COMPARED_NOTHING,
    COMPARED_NEAR,
    COMPARED_EXACT,
    COMPARED_BOTH,
];

/// What each outcome means, in the order of results.
pub(crate) const MEANINGS: [(&str, Text); 8] = [
    ("matched_exact", MEANS_EXACT),
    ("matched_near_only", MEANS_NEAR),
    ("noted", MEANS_NOTED),
    ("ignored", MEANS_IGNORED),
    ("unmatched_exact_and_near", MEANS_UNMATCHED),
    ("unmatched_exact_only", MEANS_EXACT_ONLY),
    ("failed", MEANS_FAILED),
    ("skipped", MEANS_SKIPPED),
];

/// Other words that need one.
pub(crate) const WORDS_MEANT: [(Text, Text); 3] =
    [(DISTANCE_WORD, MEANS_DISTANCE), (BAND_WORD, MEANS_BAND), (VIEW_WORD, MEANS_VIEW)];

pub(crate) const ALL_LIMITS: [Text; 9] = [
    LIMIT_LISTS,
    LIMIT_NEAR,
    LIMIT_WEAK,
    LIMIT_DISPUTED,
    LIMIT_LABELS,
    LIMIT_STILLS,
    LIMIT_CONTAINERS,
    LIMIT_DISKS,
    LIMIT_PROBLEMS,
];

/// A reason in the language; as it is where the table does not have it.
pub(crate) fn reason(language: Language, word: &str) -> &str {
    translated(REASONS, language, word)
}

/// A band, a role, or what was compared, in the language.
pub(crate) fn value(language: Language, word: &str) -> &str {
    translated(VALUES, language, word)
}

fn translated<'w>(table: &[Text], language: Language, word: &'w str) -> &'w str {
    table.iter().find(|text| text.english == word).map_or(word, |text| text.say(language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ExactOnly, Failure, Outcome, Skip};

    #[test]
    fn both_columns_have_the_same_values_and_say_nothing_too_much() {
        for (name, text) in ALL {
            let values = |text: &str| {
                let mut values: Vec<char> =
                    text.split('{').skip(1).filter_map(|value| value.chars().next()).collect();
                values.sort_unstable();
                values
            };
            assert_eq!(values(text.english), values(text.swedish), "{name}");
            assert!(!text.english.is_empty() && !text.swedish.is_empty(), "{name}");
            for word in ["clean", " safe", "verdict", "guilty", "%", "ren ", "säker", "skyldig", "ofarlig"] {
                assert!(!text.english.contains(word) && !text.swedish.contains(word), "{name}: {word}");
            }
        }
    }

    #[test]
    fn a_value_is_taken_as_it_is() {
        assert_eq!(ENTRY.fill(Language::Swedish, &["{2}", "{", "3"]), "{2}: { (rad 3)");
        assert_eq!(NONE.fill(Language::English, &[]), "None.");
    }

    #[test]
    fn reasons_of_results_are_in_the_table() {
        let outcomes =
            [ExactOnly::NotAPicture, ExactOnly::LowQuality, ExactOnly::NearOff, ExactOnly::NoPdqInLists]
                .map(ExactOnly::name);
        let failures = [
            Failure::Changed,
            Failure::PictureDamaged,
            Failure::PictureUnsupported,
            Failure::PictureOverLimit,
            Failure::Internal,
        ]
        .map(Failure::name);
        let skips = [Skip::TooDeep, Skip::ItemTooLarge, Skip::TotalUsedUp, Skip::Stopped].map(Skip::name);
        for word in outcomes.into_iter().chain(failures).chain(skips) {
            assert!(REASONS.iter().any(|text| text.english == word), "{word}");
        }
        assert_eq!(reason(Language::Swedish, "link loop"), "länkarna går i ring");
        assert_eq!(reason(Language::Swedish, "something new"), "something new");
        assert_eq!(MEANINGS.map(|(outcome, _)| outcome), Outcome::NAMES);
    }
}
