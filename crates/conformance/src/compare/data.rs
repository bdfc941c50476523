//! The data of two answers: by data objects where both are made of them, else by bytes.

use std::ops::Range;

use card_wire::tlv::{Reader, Tag, Tlv};

use super::Difference;
use crate::script::Path;

/// An INTEGER in a signature is as long as its number needs.
const INTEGER: Tag = Tag(0x02);
/// How much shorter or longer: leading zeros of a number, of which one byte is likely and three are not.
const LEEWAY: usize = 3;

/// What of the data may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Free {
    /// All of it, as long as length and structure are the same.
    All,
    /// These parts of the reference's data.
    Parts(Vec<Range<usize>>),
}

impl Free {
    fn has(&self, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Parts(parts) => parts.iter().any(|part| part.contains(&at)),
        }
    }

    fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// The first difference. `objects`: the case itself takes the data for data objects.
pub(super) fn difference(reference: &[u8], target: &[u8], free: &Free, objects: bool) -> Option<Difference> {
    if is_made_of_objects(reference, objects) && is_made_of_objects(target, objects) {
        let found = structured(reference, target, 0, &Path(Vec::new()), free);
        // Lengths can be written in several ways.
        if found.is_some() || free.is_all() {
            return found;
        }
    }
    plain(reference, target, 0, &Path(Vec::new()), free)
}

/// Many a byte string can be read as data objects by chance; few of these begin with a constructed one.
fn is_made_of_objects(data: &[u8], surely: bool) -> bool {
    let mut objects = Reader::new(data);
    let first = objects.next();
    let begins = first.is_some_and(|first| first.is_ok_and(|first| surely || first.tag.is_constructed()));
    begins && objects.all(|object| object.is_ok())
}

/// The objects of one level, each with the offset of its value.
fn level(data: &[u8]) -> Option<Vec<(usize, Tlv<'_>)>> {
    let mut reader = Reader::new(data);
    let mut objects = Vec::new();
    while let Some(object) = reader.next() {
        let object = object.ok()?;
        objects.push((reader.position() - object.value.len(), object));
    }
    Some(objects)
}

fn structured(reference: &[u8], target: &[u8], base: usize, path: &Path, free: &Free) -> Option<Difference> {
    let (Some(ours), Some(theirs)) = (level(reference), level(target)) else {
        return plain(reference, target, base, path, free);
    };
    let tags = |objects: &[(usize, Tlv<'_>)]| objects.iter().map(|(_, object)| object.tag).collect::<Vec<_>>();
    if let Some(found) = tags_differ(&tags(&ours), &tags(&theirs), path) {
        return Some(found);
    }
    ours.iter().zip(&theirs).find_map(|((at, one), (_, other))| {
        let path = Path([path.0.as_slice(), &[one.tag]].concat());
        if one.tag.is_constructed() {
            return structured(one.value, other.value, base + at, &path, free);
        }
        let lengths = one.value.len().abs_diff(other.value.len());
        if free.is_all() && one.tag == INTEGER && lengths <= LEEWAY {
            return None;
        }
        plain(one.value, other.value, base + at, &path, free)
    })
}

fn tags_differ(reference: &[Tag], target: &[Tag], path: &Path) -> Option<Difference> {
    if reference == target {
        return None;
    }
    let sorted = |tags: &[Tag]| {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags
    };
    if sorted(reference) == sorted(target) {
        let (reference, target) = (reference.to_vec(), target.to_vec());
        return Some(Difference::Order { path: path.clone(), reference, target });
    }
    let at = (0..).find(|at| reference.get(*at) != target.get(*at))?;
    let (reference, target) = (reference.get(at).copied(), target.get(at).copied());
    let last = reference.or(target)?;
    Some(Difference::Tag { path: Path([path.0.as_slice(), &[last]].concat()), reference, target })
}

fn plain(reference: &[u8], target: &[u8], base: usize, path: &Path, free: &Free) -> Option<Difference> {
    if reference.len() != target.len() {
        let (reference, target) = (reference.len(), target.len());
        return Some(Difference::Length { path: path.clone(), reference, target });
    }
    let at = (0..reference.len()).find(|at| reference[*at] != target[*at] && !free.has(base + at))?;
    let (reference, target) = (reference[at], target[at]);
    Some(Difference::Byte { offset: base + at, path: path.clone(), reference, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(reference: &str, target: &str, free: &Free) -> Option<String> {
        let bytes = |hex: &str| hex::decode(hex.replace(' ', "")).unwrap();
        difference(&bytes(reference), &bytes(target), free, false).map(|found| found.to_string())
    }

    fn exactly(reference: &str, target: &str) -> String {
        compared(reference, target, &Free::Parts(Vec::new())).unwrap_or_default()
    }

    #[test]
    fn objects_are_told_by_their_tags() {
        assert_eq!(exactly("6F04 8301 01 8A00", "6F04 8301 01 8A00"), "");
        assert_eq!(exactly("6F05 8301 01 8A00", "6F04 8301 01 8A00"), "byte 1: reference 05, target 04");
        assert_eq!(exactly("6F05 830101 8A00", "6F05 830102 8A00"), "byte 4 of 6F/83: reference 01, target 02");
        assert_eq!(
            exactly("6F05 830101 8A00", "6F05 8A00 830101"),
            "order of tags of 6F: reference 83 8A, target 8A 83"
        );
        assert_eq!(exactly("6F05 830101 8A00", "6F05 830101 8B00"), "tag at 6F/8A: reference 8A, target 8B");
        assert_eq!(exactly("6F05 830101 8A00", "6F03 830101"), "tag at 6F/8A: reference 8A, target none");
        assert_eq!(exactly("6F03 830101", "6F05 830101 8A00"), "tag at 6F/8A: reference none, target 8A");
        assert_eq!(exactly("6F03 830101", "6203 830101"), "tag at 6F: reference 6F, target 62");
        assert_eq!(exactly("6F03 830101", "6F04 83020101"), "length of 6F/83: reference 1, target 2 bytes");
        assert_eq!(exactly("6F03 830101", "6F8103 830101"), "length: reference 5, target 6 bytes");
    }

    #[test]
    fn other_data_is_told_by_length_and_byte() {
        assert_eq!(exactly("0102", "0103"), "byte 1: reference 02, target 03");
        assert_eq!(exactly("0102", "01"), "length: reference 2, target 1 bytes");
        assert_eq!(exactly("", ""), "");
    }

    #[test]
    fn what_is_free_counts_by_length_and_structure() {
        assert_eq!(compared("0102", "0304", &Free::All), None);
        assert_eq!(compared("0102", "03", &Free::All).unwrap(), "length: reference 2, target 1 bytes");
        assert_eq!(compared("30060201010201 02", "3007020200810201 03", &Free::All), None);
        assert_eq!(
            compared("7F4903 820101", "7F4903 830101", &Free::All).unwrap(),
            "tag at 7F49/82: reference 82, target 83"
        );
        assert_eq!(compared("7F4903 820101", "7F4903 820102", &Free::All), None);
        let parts = Free::Parts(vec![0..1, 3..4]);
        assert_eq!(compared("01020304", "09020309", &parts), None);
        assert_eq!(compared("01020304", "09090309", &parts).unwrap(), "byte 1: reference 02, target 09");
    }
}
