//! Classification schemes of which something is published: how lists name them, and what their codes mean.
//!
//! There is no published crosswalk between them, and none is made here. Names come from Autopsy and GLEAPP
//! (Project VIC, US), from the Sentencing Council (A, B, C), and from INTERPOL's column.

/// The scheme of Project VIC's and CAID's JSON. The region, kept as the version, decides what a code means.
pub const PROJECT_VIC: &str = "projectvic";
/// The scheme of NCMEC's Hash Sharing.
pub const NCMEC: &str = "ncmec";
/// INTERPOL's Baseline, as ICSE's CSV has it.
pub const INTERPOL_BASELINE: &str = "interpol-baseline";
/// The status that ThreatExchange gives a descriptor.
pub const THREAT_EXCHANGE: &str = "threatexchange";

/// Whether a list that names this scheme holds entries of different meaning. Case, blanks and punctuation do
/// not count: `Project VIC` is `projectvic`. Long names may stand anywhere: `UK Sentencing Council`.
pub fn is_published(scheme: &str) -> bool {
    let plain: String = scheme.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    let begins = ["vics", "caid", "ncmec", "icse", "iwf", "c3p", "ucs", "iccam", "gifct", "tcap"];
    let has = [
        "projectvic",
        "interpol",
        "threatexchange",
        "sentencing",
        "arachnid",
        "inhope",
        "universalclassification",
        "stopncii",
    ];
    begins.iter().any(|name| plain.starts_with(name)) || has.iter().any(|name| plain.contains(name))
}

/// What is published of a code, for a person; `None` where nothing is, and nothing should be guessed.
pub fn published_name(scheme: &str, version: &str, code: &str) -> Option<&'static str> {
    match (scheme, version, code) {
        (PROJECT_VIC, "US", "0") => Some("Non-Pertinent"),
        (PROJECT_VIC, "US", "1") => Some("Child Abuse Material (CAM)"),
        (PROJECT_VIC, "US", "2") => Some("Child Exploitive (Non-CAM), Age Difficult"),
        (PROJECT_VIC, "US", "3") => Some("CGI/Animation, Child Exploitive"),
        (PROJECT_VIC, "US", "4") => Some("Comparison Images"),
        (PROJECT_VIC, "US", "5") => Some("Uncategorized"),
        (PROJECT_VIC, "UK", "0") => Some("Uncategorised in lists of the UK: not a word on what it shows"),
        (_, _, "A") => {
            sentencing_council(scheme, "penetrative sexual activity, or with an animal, or sadism")
        }
        (_, _, "B") => sentencing_council(scheme, "non-penetrative sexual activity"),
        (_, _, "C") => sentencing_council(scheme, "other indecent images not in A or B"),
        _ => None,
    }
}

/// The Sentencing Council's categories are those of CAID and IWF: the only schemes that are textually one.
fn sentencing_council(scheme: &str, name: &'static str) -> Option<&'static str> {
    let scheme = scheme.to_ascii_lowercase();
    ["caid", "iwf", "sentencing"].iter().any(|known| scheme.contains(known)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code means what its region says: 0 is not benign.
    #[test]
    fn names_depend_on_scheme_and_region() {
        assert_eq!(published_name(PROJECT_VIC, "US", "0"), Some("Non-Pertinent"));
        assert!(published_name(PROJECT_VIC, "UK", "0").is_some_and(|name| name.contains("Uncategorised")));
        assert_eq!(published_name(PROJECT_VIC, "Default", "0"), None);
        assert_eq!(published_name("own", "US", "1"), None);
        assert!(published_name("IWF", "", "C").is_some() && published_name("own", "", "C").is_none());
    }

    #[test]
    fn schemes_are_known_however_they_are_written() {
        for scheme in ["projectvic", "Project VIC", "CAID", "NCMEC ESP", "INTERPOL ICSE"] {
            assert!(is_published(scheme), "{scheme}");
        }
        for scheme in [
            "Sentencing Council 2014",
            "UK Sentencing Council",
            "Project Arachnid",
            "C3P",
            "INHOPE",
            "UCS",
            "Universal Classification Schema",
            "ICCAM",
            "GIFCT HSDB",
            "TCAP",
            "StopNCII.org",
        ] {
            assert!(is_published(scheme), "{scheme}");
        }
        for scheme in ["own", "", "hma", "our own c3p"] {
            assert!(!is_published(scheme), "{scheme}");
        }
    }
}
