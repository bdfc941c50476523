//! One `#[test]` for each case, in the crate of whoever has a card: [`suite_tests!`](crate::suite_tests!).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::embedded::{CLAUSES, SCRIPTS};
use crate::outcome::Verdict;
use crate::runner::run_case;
use crate::script::{Source, Suite};
use crate::target::Target;

/// Makes one `#[test]` for each case of the built-in suite, played on what the expression makes: a function or closure
/// without arguments that returns a [`Target`]. `preset = "iso"` behind it makes only the tests of that preset.
///
/// A test is called like its case, with underscores for hyphens. It fails where the case fails, and also where the
/// target cannot give it a fresh card: what was not played has not passed. The macro goes once into a module.
///
/// ```
/// # use card_conformance::{FreshError, InProcessTarget, Target};
/// mod tight {
///     # use super::*;
///     fn my_card() -> impl Target {
///         InProcessTarget::new(|preset: &str| Err(FreshError::failed(format!("no card for {preset} yet"))))
///     }
///     card_conformance::suite_tests!(my_card, preset = "tight");
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! suite_tests {
    ($make:expr, preset = $preset:tt $(,)?) => {
        $crate::suite_tests!(@player $make);
        $crate::suite_tests!(@preset $preset);
    };
    ($make:expr $(,)?) => {
        $crate::suite_tests!(@player $make);
        $crate::__suite_ids_isoapplet!(__play_suite_case);
        $crate::__suite_ids_certificate!(__play_suite_case);
        $crate::__suite_ids_iso!(__play_suite_case);
        $crate::__suite_ids_tight!(__play_suite_case);
    };
    (@preset "isoapplet") => { $crate::__suite_ids_isoapplet!(__play_suite_case); };
    (@preset "certificate") => { $crate::__suite_ids_certificate!(__play_suite_case); };
    (@preset "iso") => { $crate::__suite_ids_iso!(__play_suite_case); };
    (@preset "tight") => { $crate::__suite_ids_tight!(__play_suite_case); };
    (@preset $other:tt) => { compile_error!("the presets of the suite are isoapplet, certificate, iso and tight"); };
    (@player $make:expr) => {
        fn __play_suite_case(file: &str, name: &str) {
            $crate::suite_tests::play(file, name, &mut ($make)());
        }
    };
}

/// What a list of ids becomes.
#[doc(hidden)]
#[macro_export]
macro_rules! __suite_tests_of {
    ($play:ident; $($file:literal: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                $play($file, stringify!($name));
            }
        )*)*
    };
}

/// The built-in suite reduced to the cases of one script and what all scripts share: a test that runs in a process of its
/// own should not load forty files. `None` where there is no such script.
///
/// # Panics
/// Where the built-in suite is broken, which a test of this crate excludes.
#[must_use]
pub fn suite_of(file: &str) -> Option<Arc<Suite>> {
    static LOADED: Mutex<BTreeMap<&str, Arc<Suite>>> = Mutex::new(BTreeMap::new());
    let name = SCRIPTS.iter().find(|script| script.name == file)?.name;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let suite = loaded.entry(name).or_insert_with(|| {
        let scripts: Vec<Source<'_>> =
            SCRIPTS.iter().filter(|script| script.name == name || script.name.starts_with('_')).copied().collect();
        Arc::new(Suite::load(CLAUSES, &scripts).unwrap_or_else(|error| panic!("the built-in suite is broken: {error}")))
    });
    Some(suite.clone())
}

/// Plays the case that a test is called like.
///
/// # Panics
/// Where the case does not pass, or is not there.
pub fn play(file: &str, name: &str, target: &mut dyn Target) {
    let id = name.replace('_', "-");
    let suite = suite_of(file).unwrap_or_else(|| panic!("the suite has no script {file}"));
    let case = suite.case(&id).unwrap_or_else(|| panic!("{file} has no case {id}"));
    let outcome = run_case(&suite, case, target);
    match &outcome.verdict {
        Verdict::Passed => {}
        Verdict::Failed(failure) => panic!("{}\n{failure}\n{}", case.title, outcome.transcript),
        other => panic!("{}\nnot played, so not passed: {}", case.title, other.reason().unwrap_or_default()),
    }
}
