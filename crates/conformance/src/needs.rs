//! Capabilities that a case can need: names that scripts, card files and reports share.

/// A capability and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name.
    pub name: &'static str,
    /// What a card that has it can do.
    pub means: &'static str,
}

/// All capabilities, in the order in which they are shown.
pub const NEEDS: &[Need] = &[
    Need { name: "version-0", means: "speaks version 0 of OpenSC's dialect" },
    Need { name: "version-1", means: "speaks version 1 of OpenSC's dialect" },
    Need { name: "chaining", means: "takes chained commands" },
    Need { name: "extended", means: "takes extended lengths, the reader included" },
    Need { name: "challenge", means: "gives random numbers" },
    Need { name: "puk", means: "has a PUK that is set" },
    Need { name: "rsa-2048", means: "has an RSA-2048 key, or makes one" },
    Need { name: "rsa-3072", means: "makes RSA-3072 keys" },
    Need { name: "rsa-4096", means: "makes RSA-4096 keys" },
    Need { name: "p256", means: "has a P-256 key, or makes one" },
    Need { name: "p384", means: "has a P-384 key, or makes one" },
    Need { name: "pss", means: "signs with PSS" },
    Need { name: "ecdsa", means: "signs with ECDSA" },
    Need { name: "key-import", means: "takes private keys" },
    Need { name: "records", means: "has record EFs" },
    Need { name: "data-objects", means: "keeps data objects" },
    Need { name: "life-cycle", means: "activates, deactivates and terminates files" },
    Need { name: "channels", means: "has more than the basic logical channel" },
];

/// The capability of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Need> {
    NEEDS.iter().find(|need| need.name == name)
}

/// The name among `known` that is nearest to a mistyped one, if any is near.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.into_iter().map(|other| (distance(name, other), other)).min()?;
    (near.0 <= (name.chars().count() / 3).max(1)).then_some(near.1)
}

/// Characters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["requirements", "status", "setup", "steps"];
        assert_eq!(nearest("stauts", known), Some("status"));
        assert_eq!(nearest("requirement", known), Some("requirements"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
