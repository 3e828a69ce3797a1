//! What is known of a file that workers examine: what of it is done, what is under way, and what needs caution.
//!
//! Nothing that a worker says is believed before it passed here.

use std::collections::{BTreeMap, HashMap};

use lykta_source::OpenFile;

use super::wire::{FileJob, WirePlace, WireRecord};
use crate::caution::Caution;
use crate::death::Death;
use crate::outcome::Failure;
use crate::record::{Opened, Record};

/// Workers that one file may cost, beside those of its short members.
const MOST_DEATHS: u32 = 64;

/// A file under way.
pub(crate) struct FileRun {
    /// The record that the file begins with.
    place: Record,
    size: u64,
    done: Runs,
    /// How many items there are in those that are done, where there are any.
    items: BTreeMap<u64, u64>,
    /// Items that are begun and have no record, the outermost first; without the file.
    begun: Vec<Record>,
    /// The number of the last item that this worker came across.
    last: u64,
    /// The highest number that any worker came across.
    highest: u64,
    /// Members by the number of what they lie in.
    members: HashMap<u64, u64>,
    cautions: BTreeMap<u64, Caution>,
    deaths: u32,
    /// Bytes of the file that were told as read.
    read: u64,
}

/// That a worker said something that cannot be.
#[derive(Debug)]
pub(crate) struct Untrue;

/// What follows from the end of a worker.
pub(crate) enum Next {
    /// Another one goes on, after these records.
    GoOn(Vec<Record>),
    /// These records are the last.
    End(Vec<Record>),
}

impl FileRun {
    /// `done` are the items that are done already, each with how many items there are in it.
    pub(crate) fn new(mut place: Record, open: &OpenFile, done: Vec<(u64, u64)>) -> Self {
        place.access_time_at_risk = !open.access_time_kept();
        Self {
            place,
            size: open.size(),
            done: Runs::new(done.iter().map(|(member, _)| *member).collect()),
            items: done.into_iter().filter(|(_, items)| *items > 0).collect(),
            begun: Vec::new(),
            last: 0,
            highest: 0,
            members: HashMap::new(),
            cautions: BTreeMap::new(),
            deaths: 0,
            read: 0,
        }
    }

    /// What a worker is told.
    pub(crate) fn job(&mut self, open: &OpenFile) -> FileJob {
        self.begun.clear();
        self.last = 0;
        FileJob {
            place: WirePlace::from(&self.place),
            file: open.hand_over().into(),
            done: self.done.0.clone(),
            items: self.items.iter().map(|(member, items)| (*member, *items)).collect(),
            cautions: self.cautions.iter().map(|(member, caution)| (*member, caution.into())).collect(),
        }
    }

    /// An item is begun.
    pub(crate) fn begin(&mut self, place: WirePlace) -> Result<(), Untrue> {
        let parent = self.begun.last().unwrap_or(&self.place);
        let (WirePlace { locator, unit, .. }, within) = (&place, parent.unit.member);
        let of_file = unit.file == self.place.unit.file && unit.state == self.place.unit.state;
        let is_inside = locator.len() > parent.locator.len() && locator.starts_with(&parent.locator);
        if !of_file || !is_inside || unit.member <= self.last || self.done.contains(unit.member) {
            return Err(Untrue);
        }
        let is_member = locator.len() == parent.locator.len() + 1;
        self.last = unit.member;
        if unit.member > self.highest {
            self.highest = unit.member;
            *self.members.entry(within).or_default() += u64::from(is_member);
        }
        self.begun.push(place.into());
        Ok(())
    }

    /// An item that was read into memory goes elsewhere: it is as good as done here.
    pub(crate) fn later(&mut self, place: WirePlace) -> Result<Record, Untrue> {
        let told = Record::from(place.clone());
        let mut record = self.end(place)?;
        (record.size, record.opened) = (told.size, told.opened);
        self.holds(&record);
        Ok(record)
    }

    /// An item is done.
    pub(crate) fn record(&mut self, record: WireRecord) -> Result<Record, Untrue> {
        let mut record = record.into_record().ok_or(Untrue)?;
        if record.unit == self.place.unit {
            if !self.begun.is_empty() || self.done.contains(0) || record.locator != self.place.locator {
                return Err(Untrue);
            }
            self.done.insert(0);
            record.size = Some(self.size);
            record.access_time_at_risk = self.place.access_time_at_risk;
            return Ok(record);
        }
        let place = self.end(WirePlace::from(&record))?;
        (record.locator, record.offset, record.capture) = (place.locator, place.offset, place.capture);
        record.access_time_at_risk = false;
        self.holds(&record);
        Ok(record)
    }

    /// What is left of bytes that a worker says it read: each counts once, whatever had to be read again.
    pub(crate) fn read(&mut self, bytes: u64) -> u64 {
        let bytes = bytes.min(self.size - self.read);
        self.read += bytes;
        bytes
    }

    /// Whether a worker may be done.
    pub(crate) fn is_done(&self) -> bool {
        self.begun.is_empty() && self.done.contains(0)
    }

    /// Everything that is under way, the innermost first.
    pub(crate) fn under_way(&mut self) -> Vec<Record> {
        let file = (!self.done.contains(0)).then(|| self.place.clone());
        self.begun.drain(..).rev().chain(file).collect()
    }

    /// A worker ended before it was done.
    pub(crate) fn died(&mut self, death: Death, detail: String) -> Next {
        self.deaths += 1;
        if self.deaths > MOST_DEATHS {
            let detail = format!("it ended more than {MOST_DEATHS} workers, the last: {detail}");
            return Next::End(self.fail(Failure::Worker(death), &detail));
        }
        let culprit = match self.begun.last() {
            Some(begun) => begun.clone(),
            None if self.done.contains(0) => return Next::GoOn(Vec::new()),
            None => self.place.clone(),
        };
        let member = culprit.unit.member;
        let before = self.cautions.get(&member).map(|caution| caution.only_bytes);
        let caution = Caution {
            death,
            detail: detail.clone(),
            only_bytes: before.is_some(),
            is_left: before == Some(true),
            next: self.highest().saturating_add(1),
            members: self.members.get(&member).copied().unwrap_or(0),
            items: self.items_in(member),
        };
        let is_left = caution.is_left;
        self.cautions.insert(member, caution);
        if !is_left {
            return Next::GoOn(Vec::new());
        }
        self.done.insert(member);
        let record = self.failed(culprit, Failure::Worker(death), &detail);
        match member {
            0 => Next::End(vec![record]),
            _ => Next::GoOn(vec![record]),
        }
    }

    /// The records of everything under way when nobody goes on with it, the innermost first.
    pub(crate) fn fail(&mut self, failure: Failure, detail: &str) -> Vec<Record> {
        let left = self.under_way().into_iter();
        left.map(|place| self.failed(place, failure, detail)).collect()
    }

    /// The record of what could not even be read.
    fn failed(&self, mut place: Record, failure: Failure, detail: &str) -> Record {
        let member = place.unit.member;
        let items = self.items_in(member);
        let members = self.members.get(&member).copied().unwrap_or(0);
        // Which kind it is nobody is left to say: what came out of it was counted, and is in it.
        place.opened = (items > 0).then_some(Opened { kind: "container", members, items });
        place.fail(failure, detail.to_owned());
        place
    }

    /// How many items are known to be in one that is under way: whatever came behind it.
    fn items_in(&self, member: u64) -> u64 {
        self.highest().saturating_sub(member)
    }

    /// The highest number that is known, also of items that were done before and so are not begun again.
    fn highest(&self) -> u64 {
        self.highest.max(self.done.last())
    }

    /// Remembers how many items there are in one that is done.
    fn holds(&mut self, record: &Record) {
        if let Some(opened) = record.opened {
            self.items.insert(record.unit.member, opened.items);
        }
    }

    fn end(&mut self, place: WirePlace) -> Result<Record, Untrue> {
        let is_last = |begun: &Record| begun.unit == place.unit && begun.locator == place.locator;
        if !self.begun.last().is_some_and(is_last) {
            self.begin(place)?;
        }
        let record = self.begun.pop().ok_or(Untrue)?;
        self.done.insert(record.unit.member);
        Ok(record)
    }
}

/// A set of numbers that mostly follow one another: first and last of each run, in order.
#[derive(Debug, Default)]
struct Runs(Vec<(u64, u64)>);

impl Runs {
    fn new(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        let mut runs = Self::default();
        numbers.into_iter().for_each(|number| runs.insert(number));
        runs
    }

    fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|(first, _)| *first <= number);
        at.checked_sub(1).is_some_and(|at| self.0[at].1 >= number)
    }

    /// The highest; 0 if there is none.
    fn last(&self) -> u64 {
        self.0.last().map_or(0, |(_, last)| *last)
    }

    fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let at = self.0.partition_point(|(first, _)| *first <= number);
        let joins_before = at > 0 && self.0[at - 1].1 + 1 == number;
        let joins_after = self.0.get(at).is_some_and(|(first, _)| number + 1 == *first);
        match (joins_before, joins_after) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = number,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::tests::open;
    use crate::record::Unit;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_a_set(numbers in prop::collection::vec(0u64..40, 0..60)) {
            let runs = Runs::new(numbers.clone());
            for number in 0..41 {
                prop_assert_eq!(runs.contains(number), numbers.contains(&number));
            }
            prop_assert!(runs.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }

    fn place(locator: &[&str], member: u64) -> WirePlace {
        let mut record = Record::new(locator.iter().map(|step| (*step).to_owned()).collect(), Some(1));
        record.unit = Unit { file: 3, member, state: 9 };
        WirePlace::from(&record)
    }

    fn record(locator: &[&str], member: u64) -> WireRecord {
        WireRecord::from(&Record::from(place(locator, member)))
    }

    fn run() -> FileRun {
        let (_dir, open) = open(b"0123456789");
        let mut run = FileRun::new(Record::from(place(&["/z"], 0)), &open, vec![]);
        run.job(&open);
        run
    }

    /// A worker that was taken over must not put anything into another file, or twice, or out of turn.
    #[test]
    fn a_worker_is_held_to_its_file_and_to_the_order() {
        assert!(run().begin(place(&["/y", "a"], 1)).is_err(), "in another file");
        assert!(run().begin(place(&["/z"], 1)).is_err(), "the file itself");
        assert!(run().begin(place(&["/z", "a"], 0)).is_err(), "the number of the file");
        let mut other = place(&["/z", "a"], 1);
        other.unit.file = 4;
        assert!(run().begin(other).is_err(), "the number of another file");
        assert!(run().record(record(&["/y"], 0)).is_err(), "the record of another file");

        let mut run = run();
        run.begin(place(&["/z", "a"], 2)).unwrap();
        assert!(run.begin(place(&["/z", "a", "b"], 2)).is_err(), "a number twice");
        assert!(run.begin(place(&["/z", "a", "b"], 1)).is_err(), "back");
        assert!(run.begin(place(&["/z", "b"], 3)).is_err(), "beside what is under way");
        assert!(run.record(record(&["/z"], 0)).is_err(), "the file before what is in it");
        run.record(record(&["/z", "a"], 2)).unwrap();
        assert!(run.record(record(&["/z", "a"], 2)).is_err(), "a record twice");
        assert!(!run.is_done());
        run.record(record(&["/z"], 0)).unwrap();
        assert!(run.record(record(&["/z"], 0)).is_err(), "the file twice");
        assert!(run.is_done());
    }

    #[test]
    fn size_and_place_are_those_that_the_scan_knows() {
        let mut run = run();
        let mut begun = place(&["/z", "a"], 1);
        begun.offset = Some(7);
        run.begin(begun).unwrap();
        let mut claimed = record(&["/z", "a"], 1);
        claimed.place.offset = Some(8);
        assert_eq!(run.record(claimed).unwrap().offset, Some(7));
        let mut claimed = record(&["/z"], 0);
        claimed.place.size = Some(11);
        assert_eq!(run.record(claimed).unwrap().size, Some(10));
        assert_eq!((run.read(7), run.read(7), run.read(7)), (7, 3, 0));
    }

    #[test]
    fn what_was_begun_last_is_examined_with_more_and_more_caution() {
        let mut run = run();
        for expected in [(false, false), (true, false)] {
            run.begin(place(&["/z", "a"], 1)).unwrap();
            assert!(
                matches!(run.died(Death::Crashed, "how".to_owned()), Next::GoOn(records) if records.is_empty())
            );
            let caution = &run.cautions[&1];
            assert_eq!((caution.only_bytes, caution.is_left, caution.next), (expected.0, expected.1, 2));
            let (_dir, open) = open(b"0123456789");
            assert_eq!(run.job(&open).cautions.len(), 1);
        }
        run.begin(place(&["/z", "a"], 1)).unwrap();
        let Next::GoOn(records) = run.died(Death::OutOfTime, "how".to_owned()) else {
            panic!("the rest is left")
        };
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].problem.as_ref().unwrap().reason, "worker ran out of processor time");
        assert!(run.done.contains(1));
    }

    /// An item that was done before the scan was killed is not begun again, but has its number: without it the file
    /// passed for one of fewer items, and what came behind a dead one had the numbers of others.
    #[test]
    fn what_was_done_before_is_counted_and_keeps_its_number() {
        let (_dir, open) = open(b"0123456789");
        let again = || {
            let mut run = FileRun::new(Record::from(place(&["/z"], 0)), &open, vec![(1, 0), (3, 0), (5, 0)]);
            run.job(&open);
            run.begin(place(&["/z", "a"], 2)).unwrap();
            run
        };
        let items = |record: &Record| (record.unit.member, record.opened.map(|opened| opened.items));
        let records = again().fail(Failure::Internal, "how");
        assert_eq!(records.iter().map(items).collect::<Vec<_>>(), [(2, Some(3)), (0, Some(5))]);
        let mut run = again();
        run.died(Death::Crashed, "how".to_owned());
        assert_eq!((run.cautions[&2].next, run.cautions[&2].items), (6, 3));
    }

    #[test]
    fn a_file_costs_a_bounded_number_of_workers() {
        let mut run = run();
        for member in 1..=u64::from(MOST_DEATHS) {
            run.begin(place(&["/z", "a"], member)).unwrap();
            assert!(matches!(run.died(Death::Crashed, String::new()), Next::GoOn(_)));
            run.begun.clear();
        }
        run.begin(place(&["/z", "a"], 99)).unwrap();
        let Next::End(records) = run.died(Death::Crashed, String::new()) else { panic!("no end") };
        assert_eq!(records.iter().map(|record| record.unit.member).collect::<Vec<_>>(), [99, 0]);
        assert_eq!(records[1].opened.unwrap().items, 99);
    }
}
