//! Labels that many entries share.

use std::sync::Arc;

use crate::entry::Label;

/// How many labels are looked through before one is made anew.
const KEPT: usize = 16;

/// The labels that a list had last: most of its entries have one of a few.
#[derive(Default)]
pub(crate) struct Labels {
    kept: Vec<Arc<Label>>,
    /// The one to be replaced next.
    oldest: usize,
}

impl Labels {
    /// `label`, or one that was seen before and is the same.
    pub(crate) fn share(&mut self, label: LabelParts<'_>) -> Arc<Label> {
        if let Some(same) = self.kept.iter().find(|kept| label.are_of(kept)) {
            return Arc::clone(same);
        }
        let new = Arc::new(label.to_label());
        if self.kept.len() < KEPT {
            self.kept.push(Arc::clone(&new));
        } else {
            self.kept[self.oldest] = Arc::clone(&new);
            self.oldest = (self.oldest + 1) % KEPT;
        }
        new
    }
}

/// A label whose texts stand elsewhere.
#[derive(Clone, Copy, Default)]
pub(crate) struct LabelParts<'t> {
    pub(crate) scheme: &'t str,
    pub(crate) version: &'t str,
    pub(crate) code: &'t str,
    pub(crate) series: &'t str,
    pub(crate) victim_identified: &'t str,
}

impl LabelParts<'_> {
    fn are_of(&self, label: &Label) -> bool {
        let Self { scheme, version, code, series, victim_identified } = *self;
        code == label.code
            && series == label.series
            && victim_identified == label.victim_identified
            && version == label.version
            && scheme == label.scheme
    }

    fn to_label(self) -> Label {
        let Self { scheme, version, code, series, victim_identified } = self;
        let [scheme, version, code, series, victim_identified] =
            [scheme, version, code, series, victim_identified].map(str::to_owned);
        Label { scheme, version, code, series, victim_identified }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_labels_are_one_and_others_are_themselves() {
        let mut labels = Labels::default();
        let codes: Vec<String> = (0..3 * KEPT).map(|code| (code % 20).to_string()).collect();
        for code in &codes {
            let parts = LabelParts { scheme: "s", code, ..LabelParts::default() };
            let label = labels.share(parts);
            assert!(parts.are_of(&label));
            assert!(Arc::ptr_eq(&label, &labels.share(parts)));
        }
        assert_eq!(labels.kept.len(), KEPT);
    }
}
