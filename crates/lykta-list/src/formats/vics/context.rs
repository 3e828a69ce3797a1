//! What the first key of a document says of its version.

/// The key of the context: OData 4 has the second.
pub(super) const KEYS: [&str; 2] = ["odata.metadata", "@odata.context"];

/// The longest version and region that are taken for one.
const LONGEST: usize = 32;

/// The version and the region of a document.
pub(super) struct Context {
    version: String,
    /// Empty before 2.0.
    region: String,
}

impl Context {
    /// Reads `…/DataModels/2.0.xml/US/$metadata#Media` or `…/DataModels/1.3.xml#Media`. Versions and regions
    /// that are not known are as good as others. `None` when the text names none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (before, behind) = text.split_once(".xml")?;
        let version = before.rsplit('/').next()?;
        let region = behind.strip_prefix('/').unwrap_or_default();
        let region = region.split(['/', '#', '$', '?']).next().unwrap_or_default();
        let is_name = |name: &str| name.len() <= LONGEST && name.chars().all(|c| c.is_ascii_graphic());
        let context = Self { version: version.to_owned(), region: region.to_owned() };
        (!version.is_empty() && is_name(version) && is_name(region)).then_some(context)
    }

    /// Such as `2.0/US` or `1.3`.
    pub(super) fn name(&self) -> String {
        let Self { version, region } = self;
        if region.is_empty() { version.clone() } else { format!("{version}/{region}") }
    }

    /// What decides on the meaning of a category: the region, where versions have one.
    pub(super) fn of_labels(&self) -> &str {
        if self.region.is_empty() { &self.version } else { &self.region }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_version_and_region_is_read() {
        let names = |text: &str| Context::parse(text).map(|c| (c.name(), c.of_labels().to_owned()));
        let both = |name: &str, label: &str| Some((name.to_owned(), label.to_owned()));
        let base = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels";
        assert_eq!(names(&format!("{base}/2.0.xml/US/$metadata#Media")), both("2.0/US", "US"));
        assert_eq!(names(&format!("{base}/2.0.xml/CUSTOM/$metadata#Cases")), both("2.0/CUSTOM", "CUSTOM"));
        assert_eq!(names(&format!("{base}/3.1.xml/NO#Cases")), both("3.1/NO", "NO"));
        assert_eq!(names("http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media"), both("1.3", "1.3"));
        assert_eq!(names(&format!("{base}/2.0.xml/$metadata#Media")), both("2.0", "2.0"));
        assert_eq!(names("$metadata#Media"), None);
        assert_eq!(names(&format!("{base}/{}.xml", "9".repeat(40))), None);
    }
}
