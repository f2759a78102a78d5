//! The keys by which texts are compared, the same on both engines: one for finding and ordering, one for predicate apart.

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed, properties::CanonicalCompositionBorrowed,
};
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, Script},
};

use crate::text::{is_hidden, normal};

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// The key by which a text is found and ordered, without case and accents.
///
/// Compatibility forms are resolved (NFKC) and cases folded as Unicode does, `ß` as `ss` and a final sigma as any other;
/// diacritics of Latin, Greek and Cyrillic letters are left out, runs of white space are one space: `  Müller  &  SØN `
/// becomes `muller & son`. What is a letter of its own stays: all Cyrillic letters but `ё`, which is mostly written `е`
/// (`й` is not `и`), and the marks of every other script, such as dakuten and vowel signs.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return spaced(text.chars().map(|c| c.to_ascii_lowercase()));
    }
    let plain = undressed(&NFKD.normalize(&normal(text)));
    let folded = undressed(&NFKD.normalize(&CASES.fold_string(&plain)));
    let key = spaced(NFC.normalize(&folded).chars());
    // Nothing but a diacritic by itself: that is what is to be found then.
    if key.is_empty() { spaced(normal(text).chars()) } else { key }
}

/// The key by which names are the same: whoever has a name that must be unique has every name with this key.
///
/// Cases are folded letter by letter, half- and full-width letters are one, and runs of white space are one space.
/// Nothing that tells two words apart is left out: `Masse` is not `Maße`, `schon` is not `schön`.
#[must_use]
pub fn key(text: &str) -> String {
    if text.is_ascii() {
        return spaced(text.chars().map(|c| c.to_ascii_lowercase()));
    }
    let mut narrow = String::with_capacity(text.len());
    let mut wide = String::new();
    for c in normal(text).chars() {
        // Joiners make words; selectors and the like only choose how they look.
        if is_hidden(c) && !matches!(c, '\u{200c}' | '\u{200d}') {
            continue;
        }
        if matches!(c, '\u{ff01}'..='\u{ffee}' | '\u{3000}') {
            wide.push(c);
            continue;
        }
        if !wide.is_empty() {
            narrow.push_str(&NFKC.normalize(&std::mem::take(&mut wide)));
        }
        narrow.push(c);
    }
    narrow.push_str(&NFKC.normalize(&wide));
    let folded: String = narrow.chars().map(|c| CASES.simple_fold(c)).collect();
    spaced(NFC.normalize(&folded).chars())
}

/// A decomposed text without diacritics and hidden characters, with those Latin letters that do not decompose as
/// others write them.
fn undressed(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // The letter that marks stand upon, with those of its own.
    let mut base: Option<char> = None;
    for c in text.chars().filter(|c| !is_hidden(*c)) {
        if is_mark(c) {
            match base.map(|base| (base, scripted(base))) {
                // A sign of its own, such as ´, is a space with a mark.
                Some((_, Script::Latin | Script::Greek) | (' ', _)) => {}
                Some((letter, Script::Cyrillic)) => {
                    if let Some(own) = cyrillic(letter, c) {
                        plain.push(c);
                        base = Some(own);
                    }
                }
                _ => plain.push(c),
            }
            continue;
        }
        base = Some(c);
        match c {
            'æ' | 'Æ' => plain.push_str("ae"),
            'œ' | 'Œ' => plain.push_str("oe"),
            'ø' | 'Ø' => plain.push('o'),
            'ł' | 'Ł' => plain.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => plain.push('d'),
            'ħ' | 'Ħ' => plain.push('h'),
            'ŧ' | 'Ŧ' => plain.push('t'),
            'þ' | 'Þ' => plain.push_str("th"),
            'ı' => plain.push('i'),
            c => plain.push(c),
        }
    }
    plain
}

/// The Cyrillic letter that another becomes by a mark. `ё` is mostly written `е`, and a grave accent, as an acute one
/// for which there are no letters, tells the stress.
fn cyrillic(letter: char, mark: char) -> Option<char> {
    CanonicalCompositionBorrowed::new()
        .compose(letter, mark)
        .filter(|own| !matches!(own, 'ё' | 'Ё' | 'ѐ' | 'Ѐ' | 'ѝ' | 'Ѝ'))
}

fn is_mark(c: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

fn scripted(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

/// A text without white space around it, and with one space for each run within.
fn spaced(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = !text.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_accents_and_spaces_do_not_count() {
        assert_eq!(fold("  Müller  &\tSØN "), "muller & son");
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("Łódź"), "lodz");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("ΠΑΠΑΔΟΠΟΥΛΟΣ"), fold("Παπαδόπουλος"));
        assert_eq!(fold("ΠΑΠΑΔΌΠΟΥΛΟΣ"), fold("παπαδοπουλοσ"));
        assert_eq!(fold("Семён Королёв"), fold("СЕМЕН КОРОЛЕВ"));
        assert_eq!(fold("ＡＢＣ ｶﾞｲﾄﾞ ㈱"), "abc ガイド (株)");
        assert_eq!(fold("O´Brien"), "o brien");
        assert_eq!(fold("Nguyễn Thị Đào"), "nguyen thi dao");
        assert_eq!(fold("Ac\u{200b}me\u{ad}"), "acme");
    }

    #[test]
    fn no_letter_is_lost() {
        for (one, other) in [
            ("ゴールド", "コールド"),
            ("ハス", "バス"),
            ("ハス", "パス"),
            ("कुमार", "कमार"),
            ("กิน", "กัน"),
            ("กิน", "กน"),
            ("мой", "мои"),
            ("їжак", "іжак"),
            ("ўсё", "усё"),
            ("ќе", "ке"),
            ("가", "각"),
            ("שׁ", "שׂ"),
            ("அ", "ஆ"),
        ] {
            assert_ne!(fold(one), fold(other), "{one} and {other}");
            assert_ne!(key(one), key(other), "{one} and {other}");
        }
        assert!(!fold("각").contains(&fold("가")), "a syllable is a letter");
        assert!(!fold("ガ").contains(&fold("カ")));
    }

    #[test]
    fn names_that_differ_in_more_than_case_and_width_are_different_names() {
        for (one, other) in
            [("schon", "schön"), ("Masse", "Maße"), ("Rose", "Rosé"), ("m²", "m2"), ("Öl", "Ol"), ("все", "всё")]
        {
            assert_ne!(key(one), key(other), "{one} and {other}");
            assert_eq!(fold(one), fold(other), "{one} and {other}");
        }
        for (one, other) in [
            (" Gold  Partner", "GOLD partner"),
            ("Mu\u{308}ller", "MÜLLER"),
            ("ΟΔΟΣ", "οδος"),
            ("ＡＢＣ", "abc"),
            ("ｶﾞｲﾄﾞ", "ガイド"),
            ("Ac\u{200b}me", "acme"),
            ("葛\u{e0100}城", "葛城"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn only_what_is_blank_folds_to_nothing() {
        for blank in ["", " ", "\u{200b}", "\u{3164}\u{2003}", "\u{ad}"] {
            assert_eq!((fold(blank), key(blank)), (String::new(), String::new()));
        }
        for text in ["\u{301}", "´", "ー", "-", "\u{5bc}", "゛", "\u{20dd}"] {
            assert!(!fold(text).is_empty() && !key(text).is_empty(), "{}", text.escape_unicode());
        }
    }

    /// Letters of many scripts, marks, spaces and hidden characters among each other.
    const TEXTS: &str = "[ \\u{a0}a-zA-ZäÖßẞıİſæłđΑ-ωΌ-ώς\\u{345}ᾳᾼА-яЁёйЙїў\\u{300}\\u{301}\\u{306}\\u{308}\\u{328}\\u{20dd}´΄゛ｶﾞカガ\\u{3099}कक़\\u{93c}\\u{94d}กิ가각\\u{1100}\\u{1161}ﬁǅ\\u{200b}\\u{200d}\\u{fe0f}\\PC]{0,14}";

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in TEXTS) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
            let once = key(&text);
            prop_assert_eq!(key(&once), once);
        }

        #[test]
        fn the_same_name_is_found_by_the_same_key(one in TEXTS) {
            // Look-ups go by the key for finding, then by that for predicate apart.
            for other in [one.to_lowercase(), one.to_uppercase(), key(&one), NFC.normalize(&one).into_owned()] {
                if key(&one) == key(&other) {
                    prop_assert_eq!(fold(&one), fold(&other));
                }
            }
        }
    }
}
