//! Everything the tool says, in both languages side by side.
//!
//! One table line makes one method of [`Lang`]; a line without one of its languages does not compile, and neither does a
//! placeholder that is no argument. A test compares the placeholders of both. No sentence is put together from pieces.

mod commands;
mod errors;
mod machine;
mod refusals;
mod steps;

/// The languages that the tool speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// Plain English.
    #[default]
    En,
    /// Traditional Chinese as written in Taiwan, with the manual's own words.
    ZhTw,
}

impl Lang {
    /// Names that the command line takes.
    pub const NAMES: [&str; 2] = ["en", "zh-TW"];

    /// The language with this name, as in `en`, `zh-TW` or a locale's `zh_TW.UTF-8`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let plain = name.split(['.', '@']).next().unwrap_or_default().replace('_', "-").to_ascii_lowercase();
        match plain.split('-').collect::<Vec<_>>().as_slice() {
            ["en" | "c" | "posix", ..] => Some(Self::En),
            ["zh", "tw" | "hk" | "mo" | "hant", ..] => Some(Self::ZhTw),
            _ => None,
        }
    }

    /// The language of a locale: the first variable that is set and not empty decides, as POSIX has it.
    #[must_use]
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .and_then(|value| Self::named(&value))
            .unwrap_or_default()
    }
}

/// One line of a table: its name and its sentence in both languages.
#[cfg(test)]
pub(crate) type Line = (&'static str, &'static str, &'static str);

/// Makes methods of [`Lang`] from lines of `name(arguments) { "English", "中文" }`.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) { $en:literal, $zh:literal })*) => {
        impl $crate::texts::Lang {
            $(
                #[doc = "Says in the language:"]
                #[doc = concat!("```text\n", $en, "\n```")]
                $(#[$doc])*
                #[must_use]
                pub fn $name(self $(, $arg: impl ::core::fmt::Display)*) -> String {
                    match self {
                        Self::En => format!($en),
                        Self::ZhTw => format!($zh),
                    }
                }
            )*
        }

        #[cfg(test)]
        pub(super) const LINES: &[$crate::texts::Line] = &[$((stringify!($name), $en, $zh)),*];
    };
}
pub(crate) use texts;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        [commands::LINES, errors::LINES, machine::LINES, refusals::LINES, steps::LINES].concat()
    }

    fn placeholders(sentence: &str) -> Vec<&str> {
        let mut found: Vec<_> =
            sentence.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_say_the_same_things() {
        for (name, en, zh) in lines() {
            assert_eq!(placeholders(en), placeholders(zh), "{name}");
            assert!(!en.is_empty() && en.is_ascii(), "{name}: {en}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}: {zh}");
            assert!(!zh.contains('。') || !zh.contains(", "), "{name}: Chinese sentences have their own commas: {zh}");
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        let mut names: Vec<_> = lines().iter().map(|line| line.0).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn the_locale_decides_in_the_order_of_posix() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Lang::of_locale(move |name| set.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(of(&[]), Lang::En);
        assert_eq!(of(&[("LANG", "zh_TW.UTF-8")]), Lang::ZhTw);
        assert_eq!(of(&[("LANG", "zh_TW.UTF-8"), ("LC_ALL", "C")]), Lang::En);
        assert_eq!(of(&[("LC_MESSAGES", "zh_TW"), ("LC_ALL", "")]), Lang::ZhTw);
        assert_eq!(of(&[("LANG", "fr_FR.UTF-8")]), Lang::En);
        assert_eq!(Lang::named("zh-TW"), Some(Lang::ZhTw));
        assert_eq!(Lang::named("fr"), None);
    }
}
