//! What the codes of categorised lists mean to a site: which of them are to be found, noted, ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use lykta_index::Role;
use lykta_list::Label;
use lykta_list::schemes;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The word for entries of a categorised list that have no code.
pub const UNCATEGORISED: &str = "uncategorised";

/// The word for every code that is not named.
const ALL_OTHERS: &str = "*";

/// What a site decides on codes. Nothing is decided that was not said.
///
/// As text, rules for any scheme or, with its name and a colon in front, for one scheme, or for one version
/// or region of it; several are separated by semicolons. A rule for a region outranks one for the scheme,
/// and that one a rule for any scheme. `uncategorised` stands for entries without a code, `*` for all
/// codes that are not named. What has a comma, a blank, a colon, a semicolon or a slash in it stands in quotation marks:
/// `note="MALICIOUS,NON_MALICIOUS"`.
///
/// ```
/// use lykta::Codes;
///
/// let codes: Codes = "match=1,2 note=3 ignore=0; projectvic/UK: match=A,B,C note=uncategorised".parse()?;
/// # Ok::<(), lykta::CodesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    rules: BTreeMap<Scope, Rules>,
}

/// The labels that rules are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Any,
    Scheme(String),
    Version(String, String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    roles: BTreeMap<String, Role>,
    others: Option<Role>,
    /// What the site calls the codes.
    site: BTreeMap<String, String>,
}

/// What a code means to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided<'c> {
    /// What a match means.
    pub role: Role,
    /// What the site calls the code; empty when it has no word for it.
    pub site: &'c str,
    /// What the rule was for.
    pub breadth: Breadth,
}

/// How much a rule was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// Any scheme.
    Any,
    /// One scheme, whatever its version or region.
    Scheme,
    /// One version or region of a scheme.
    Version,
}

/// A code of a list, and how often it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// The scheme.
    pub scheme: String,
    /// Its version or region.
    pub version: String,
    /// The code; empty for entries without one.
    pub code: String,
    /// Entries that have it.
    pub count: u64,
    /// What was decided on it, and what the rule was for.
    pub decided: Option<(Role, Breadth)>,
}

/// Rules that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CodesError {
    /// Not `match=`, `note=` or `ignore=` with codes.
    #[error("{0:?} is no rule for codes: write match=, note= or ignore= and codes with commas between them")]
    Rule(String),
    /// A quotation mark that is not closed.
    #[error("{0:?} has a quotation mark that is not closed")]
    OpenQuote(String),
    /// One code twice, or with two words of the site.
    #[error("the code {0} has two rules, or two words of the site: keep one of them")]
    Twice(String),
    /// No rules at all.
    #[error("no rules for codes: write, for example, 'match=1,2 note=3 ignore=0'")]
    None,
    /// The file is not what it should be.
    #[error("{0}")]
    Toml(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    codes: Vec<SiteRules>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteRules {
    scheme: Option<String>,
    version: Option<String>,
    #[serde(default, rename = "match")]
    matches: Vec<String>,
    #[serde(default)]
    note: Vec<String>,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    site: BTreeMap<String, String>,
}

impl Codes {
    /// Reads a site file:
    ///
    /// ```
    /// let codes = lykta::Codes::from_toml(r#"
    ///     [[codes]]
    ///     scheme = "projectvic"
    ///     version = "US"            # the region
    ///     match = ["1", "2"]
    ///     note = ["3", "uncategorised"]
    ///     ignore = ["0"]
    ///     site = { 1 = "A" }        # the site's own word, shown beside the list's
    /// "#)?;
    /// # Ok::<(), lykta::CodesError>(())
    /// ```
    ///
    /// # Errors
    /// [`CodesError`].
    pub fn from_toml(text: &str) -> Result<Self, CodesError> {
        let file: SiteFile = toml::from_str(text).map_err(|error| {
            let line = 1 + text[..error.span().unwrap_or_default().start].matches('\n').count();
            CodesError::Toml(format!("line {line}: {}", error.message()))
        })?;
        let mut codes = Self::default();
        for SiteRules { scheme, version, matches, note, ignore, site } in file.codes {
            let scope = match (scheme, version) {
                (None, None) => Scope::Any,
                (Some(scheme), None) => Scope::Scheme(scheme),
                (Some(scheme), Some(version)) => Scope::Version(scheme, version),
                (None, Some(version)) => {
                    let detail =
                        format!("the rules for version {version} name no scheme: add scheme = \"...\"");
                    return Err(CodesError::Toml(detail));
                }
            };
            let rules = codes.rules.entry(scope).or_default();
            for (role, list) in [(Role::Match, matches), (Role::Note, note), (Role::Ignore, ignore)] {
                list.into_iter().try_for_each(|code| rules.add(code, role))?;
            }
            site.into_iter().try_for_each(|(code, word)| rules.name(code, word))?;
        }
        if codes.rules.is_empty() { Err(CodesError::None) } else { Ok(codes) }
    }

    /// Adds the rules of another, as if they were of this one.
    ///
    /// # Errors
    /// When both have a rule for one code of one scope.
    pub fn merge(&mut self, other: Self) -> Result<(), CodesError> {
        for (scope, theirs) in other.rules {
            let ours = self.rules.entry(scope).or_default();
            theirs.roles.into_iter().try_for_each(|(code, role)| ours.add(code, role))?;
            if let Some(role) = theirs.others {
                ours.add(ALL_OTHERS.to_owned(), role)?;
            }
            theirs.site.into_iter().try_for_each(|(code, word)| ours.name(code, word))?;
        }
        Ok(())
    }

    /// A digest of all rules: the same for the same rules, in whatever order they were given.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(format!("{:?}", self.rules)).into()
    }

    /// What is decided on a label's code; `None` when nothing is.
    pub fn decide(&self, label: &Label) -> Option<Decided<'_>> {
        if self.rules.is_empty() {
            return None;
        }
        let scopes = [
            Scope::Version(label.scheme.clone(), label.version.clone()),
            Scope::Scheme(label.scheme.clone()),
            Scope::Any,
        ];
        let code = if label.code.is_empty() { UNCATEGORISED } else { &label.code };
        // The site's word may stand in other rules than the role.
        let site = scopes.iter().find_map(|scope| self.rules.get(scope)?.site.get(code));
        scopes.iter().find_map(|scope| {
            let rules = self.rules.get(scope)?;
            // Entries without a code have to be named: that all others match says nothing of them.
            let others = rules.others.filter(|_| !label.code.is_empty());
            let role = rules.roles.get(code).copied().or(others)?;
            let breadth = match scope {
                Scope::Any => Breadth::Any,
                Scope::Scheme(_) => Breadth::Scheme,
                Scope::Version(..) => Breadth::Version,
            };
            Some(Decided { role, site: site.map_or("", String::as_str), breadth })
        })
    }

    /// Whether some rule names the scheme of this label: then its codes are the user's business, too, whoever
    /// made the scheme.
    pub fn names_scheme_of(&self, label: &Label) -> bool {
        self.rules.keys().any(|scope| match scope {
            Scope::Any => false,
            Scope::Scheme(scheme) => *scheme == label.scheme,
            Scope::Version(scheme, version) => *scheme == label.scheme && *version == label.version,
        })
    }
}

impl Rules {
    fn add(&mut self, code: String, role: Role) -> Result<(), CodesError> {
        let before = if code == ALL_OTHERS {
            self.others.replace(role)
        } else {
            self.roles.insert(code.clone(), role)
        };
        before.map_or(Ok(()), |_| Err(CodesError::Twice(code)))
    }

    fn name(&mut self, code: String, word: String) -> Result<(), CodesError> {
        match self.site.insert(code.clone(), word.clone()) {
            Some(before) if before != word => Err(CodesError::Twice(code)),
            _ => Ok(()),
        }
    }
}

impl FromStr for Codes {
    type Err = CodesError;

    fn from_str(text: &str) -> Result<Self, CodesError> {
        if !text.matches('"').count().is_multiple_of(2) {
            return Err(CodesError::OpenQuote(text.to_owned()));
        }
        let mut codes = Self::default();
        for part in split(text, |mark| mark == ';') {
            let (scope, rules) = match split(part, |mark| mark == ':')[..] {
                [rules] => (Scope::Any, rules),
                [scheme, rules] => (scope(scheme), rules),
                _ => return Err(CodesError::Rule(part.to_owned())),
            };
            for rule in split(rules, |mark| mark.is_ascii_whitespace()) {
                let bad = || CodesError::Rule(rule.to_owned());
                let (role, list) = rule.split_once('=').ok_or_else(bad)?;
                let role = Role::ALL.into_iter().find(|known| known.name() == role).ok_or_else(bad)?;
                for code in pieces(list, |mark| mark == ',').map(unquoted) {
                    if code.is_empty() {
                        return Err(bad());
                    }
                    codes.rules.entry(scope.clone()).or_default().add(code, role)?;
                }
            }
        }
        if codes.rules.is_empty() { Err(CodesError::None) } else { Ok(codes) }
    }
}

/// The parts of a text between marks that do not stand in quotation marks, without blanks around them; empty
/// parts are none.
fn split(text: &str, is_mark: impl Fn(char) -> bool) -> Vec<&str> {
    pieces(text, is_mark).filter(|part| !part.is_empty()).collect()
}

/// As [`split`], with the empty parts.
fn pieces(text: &str, is_mark: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = text.split(move |letter| {
        quoted ^= letter == '"';
        !quoted && is_mark(letter)
    });
    parts.map(str::trim)
}

/// A word without its quotation marks.
fn unquoted(word: &str) -> String {
    word.replace('"', "")
}

/// A word as rules have it: in quotation marks when it has to be.
fn as_in_rules(word: &str) -> String {
    if word.contains([',', ';', ':', '/', ' ', '\t']) { format!("\"{word}\"") } else { word.to_owned() }
}

/// `scheme` or `scheme/version`. A slash within quotation marks is part of the name.
fn scope(text: &str) -> Scope {
    let parts: Vec<&str> = pieces(text, |mark| mark == '/').collect();
    match parts[..] {
        [] | [_] => Scope::Scheme(unquoted(text)),
        // A region may have slashes of its own.
        [scheme, ref version @ ..] => Scope::Version(unquoted(scheme), unquoted(&version.join("/"))),
    }
}

impl CodeCount {
    /// The code in words: what it is, what is published of it.
    pub fn describe(&self) -> String {
        let code = match &self.code[..] {
            "" => UNCATEGORISED.to_owned(),
            code => as_in_rules(code),
        };
        match schemes::published_name(&self.scheme, &self.version, &self.code) {
            Some(name) => format!("{code} ({name})"),
            None => code,
        }
    }

    /// Scheme and version, as rules name them.
    pub fn scope(&self) -> String {
        match (&self.scheme[..], &self.version[..]) {
            ("", "") => "no scheme".to_owned(),
            (scheme, "") => as_in_rules(scheme),
            (scheme, version) => format!("{}/{}", as_in_rules(scheme), as_in_rules(version)),
        }
    }
}

/// Whether rules for any scheme decided on codes of several, or rules for a scheme on codes of several of its
/// regions: then one and the same word was taken for different things, since a code means what its scheme and
/// region say.
pub fn is_ambiguous<'c>(codes: impl IntoIterator<Item = &'c CodeCount>) -> bool {
    let mut by_any = BTreeSet::new();
    let mut by_scheme: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for CodeCount { scheme, version, decided, .. } in codes {
        match decided {
            Some((_, Breadth::Any)) => {
                by_any.insert((scheme, version));
            }
            Some((_, Breadth::Scheme)) => {
                by_scheme.entry(scheme).or_default().insert(version);
            }
            _ => {}
        }
    }
    by_any.len() > 1 || by_scheme.values().any(|versions| versions.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(scheme: &str, version: &str, code: &str) -> Label {
        let [scheme, version, code] = [scheme, version, code].map(str::to_owned);
        Label { scheme, version, code, ..Label::default() }
    }

    fn role(codes: &Codes, scheme: &str, version: &str, code: &str) -> Option<Role> {
        codes.decide(&label(scheme, version, code)).map(|decided| decided.role)
    }

    /// Category 0 is benign in lists of the US and says nothing in lists of the UK: a rule for one must not
    /// reach the other.
    #[test]
    fn the_nearest_rule_decides_and_nothing_else_does() {
        let codes: Codes =
            "match=1 ignore=0; projectvic: note=0; projectvic/UK: match=0,uncategorised".parse().unwrap();
        assert_eq!(role(&codes, "own", "", "0"), Some(Role::Ignore));
        assert_eq!(role(&codes, "projectvic", "US", "0"), Some(Role::Note));
        assert_eq!(role(&codes, "projectvic", "UK", "0"), Some(Role::Match));
        assert_eq!(role(&codes, "projectvic", "UK", ""), Some(Role::Match));
        assert_eq!(role(&codes, "projectvic", "US", ""), None);
        assert_eq!(role(&codes, "projectvic", "US", "1"), Some(Role::Match));
        assert_eq!(role(&codes, "projectvic", "US", "2"), None);
    }

    #[test]
    fn all_others_does_not_mean_what_has_no_code() {
        let codes: Codes = "match=* note=3".parse().unwrap();
        assert_eq!(role(&codes, "s", "", "3"), Some(Role::Note));
        assert_eq!(role(&codes, "s", "", "7"), Some(Role::Match));
        assert_eq!(role(&codes, "s", "", ""), None);
    }

    #[test]
    fn rules_that_cannot_be_read_are_refused() {
        for text in
            ["", "1,2", "found=1", "match=", "match=1,,2", "match=1 note=1", "projectvic:", "match=* note=*"]
        {
            assert!(text.parse::<Codes>().is_err(), "{text}");
        }
        for text in ["", "[[codes]]\nversion = \"US\"", "[[codes]]\nmatsch = [\"1\"]", "codes = 1"] {
            assert!(Codes::from_toml(text).is_err(), "{text}");
        }
        let mut codes: Codes = "match=1".parse().unwrap();
        assert_eq!(codes.merge("note=1".parse().unwrap()), Err(CodesError::Twice("1".into())));
    }

    #[test]
    fn a_code_with_marks_in_it_stands_in_quotation_marks() {
        let codes: Codes = r#"note="A,B",C match=A; "s t": match="x y""#.parse().unwrap();
        assert_eq!(role(&codes, "s", "", "A,B"), Some(Role::Note));
        assert_eq!(role(&codes, "s", "", "A"), Some(Role::Match));
        assert_eq!(role(&codes, "s", "", "B"), None);
        assert_eq!(role(&codes, "s t", "", "x y"), Some(Role::Match));
    }

    /// Up to a mark that nobody closed the rest of the rules was one code: what they said was lost in silence.
    #[test]
    fn a_quotation_mark_that_is_not_closed_is_refused() {
        for text in [r#"ignore=* match="1,2"#, r#"match=1" note=2"#, r#""a: match=1"#] {
            assert_eq!(text.parse::<Codes>(), Err(CodesError::OpenQuote(text.to_owned())));
        }
        for text in [r#"match="1,2",,3"#, r#"match=,"1""#, r#"match="1","#] {
            assert!(matches!(text.parse::<Codes>(), Err(CodesError::Rule(_))), "{text}");
        }
    }

    #[test]
    fn a_scheme_with_a_slash_in_it_stands_in_quotation_marks() {
        let codes: Codes = r#""a/b": match=1; "a/b"/"c/d": note=1; a/b: ignore=1"#.parse().unwrap();
        assert_eq!(role(&codes, "a/b", "", "1"), Some(Role::Match));
        assert_eq!(role(&codes, "a/b", "c/d", "1"), Some(Role::Note));
        assert_eq!(role(&codes, "a", "b", "1"), Some(Role::Ignore));
    }

    /// 0 of the UK is not 0 of the US, also when the rule names the scheme.
    #[test]
    fn a_rule_that_decides_across_schemes_or_regions_is_ambiguous() {
        let count = |scheme: &str, version: &str, breadth| {
            let [scheme, version, code] = [scheme, version, "0"].map(str::to_owned);
            CodeCount { scheme, version, code, count: 1, decided: Some((Role::Ignore, breadth)) }
        };
        use Breadth::{Any, Scheme, Version};
        assert!(is_ambiguous(&[count("a", "", Any), count("b", "", Any)]));
        assert!(is_ambiguous(&[count("a", "US", Scheme), count("a", "UK", Scheme)]));
        assert!(!is_ambiguous(&[count("a", "US", Scheme), count("b", "UK", Scheme)]));
        assert!(!is_ambiguous(&[count("a", "US", Version), count("a", "UK", Version), count("c", "", Any)]));
    }

    #[test]
    fn the_word_of_the_site_may_stand_apart_from_the_role() {
        let mut codes: Codes = "match=*".parse().unwrap();
        codes.merge(Codes::from_toml("[[codes]]\nscheme = \"s\"\nsite = { 1 = \"A\" }\n").unwrap()).unwrap();
        assert_eq!(codes.decide(&label("s", "", "1")).unwrap().site, "A");
        let other = Codes::from_toml("[[codes]]\nscheme = \"s\"\nsite = { 1 = \"B\" }\n").unwrap();
        assert_eq!(codes.merge(other), Err(CodesError::Twice("1".into())));
    }

    #[test]
    fn a_site_file_gives_roles_and_words() {
        let text =
            "[[codes]]\nscheme = \"projectvic\"\nversion = \"US\"\nmatch = [\"1\"]\nsite = { 1 = \"A\" }\n";
        let codes = Codes::from_toml(text).unwrap();
        let decided = codes.decide(&label("projectvic", "US", "1")).unwrap();
        assert_eq!((decided.role, decided.site, decided.breadth), (Role::Match, "A", Breadth::Version));
        assert_eq!(codes.decide(&label("projectvic", "UK", "1")), None);
    }
}
