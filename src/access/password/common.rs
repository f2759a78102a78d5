//! Passwords that are guessed first: those that many people have, and those made of one's own name.

use std::{collections::HashSet, sync::LazyLock};

use icu_normalizer::ComposingNormalizerBorrowed;

/// 11,000 of the most frequent leaked passwords, by what [`base`] leaves of them. Taken from the
/// frequency list of zxcvbn (MIT licence).
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// The fewest letters that a word of the list has.
const WORD: usize = 4;
/// So many letters beside a known word make no other password of it.
const FILLER: usize = 3;
/// So many different figures there are: more different signs beside the letters are chosen at random.
const DIGITS: usize = 10;
/// What follows each other on keyboards and in the alphabet.
const ROWS: [&str; 3] =
    ["abcdefghijklmnopqrstuvwxyzabcdefghijklm", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm"];

/// Why a password is guessed early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    /// Many people have it, or one that differs by what everybody adds.
    Common,
    /// It is made of the person's own name or address.
    Personal,
}

/// Whether a password is guessed early. `own` are the person's name and e-mail address.
pub(super) fn weakness(password: &str, own: &[&str]) -> Option<Weakness> {
    let base = base(password);
    let known = |text: &str| COMMON.contains(text);
    // Where letters are few, there is nothing to know it by: so many different signs are no walk and no word.
    let signs: HashSet<char> = password.chars().filter(|c| !c.is_alphabetic()).collect();
    if trivial(&base) && signs.len() <= DIGITS || known(unit(&base)) || splits(&base, known) {
        return Some(Weakness::Common);
    }
    let words: Vec<String> = own.iter().flat_map(|text| words(text)).collect();
    let rest = words.iter().fold(base.clone(), |rest, word| rest.replace(word.as_str(), ""));
    let little = rest.chars().count() <= FILLER || known(unit(&rest));
    (rest != base && little).then_some(Weakness::Personal)
}

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// What is left of a password without what people add to the same word: capitals, figures and signs
/// around it, and figures that stand for letters.
fn base(password: &str) -> String {
    let (mut base, mut between) = (String::new(), Vec::new());
    for c in NFKC.normalize(password).chars().flat_map(char::to_lowercase) {
        if !c.is_alphabetic() {
            between.push(c);
            continue;
        }
        // What stands before the word, and longer runs, are added; one or two stand for letters.
        if !base.is_empty() && between.len() <= 2 {
            base.extend(between.iter().copied().filter_map(letter));
        }
        between.clear();
        base.push(c);
    }
    base
}

/// The letter that a figure or sign stands for.
const fn letter(sign: char) -> Option<char> {
    Some(match sign {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => return None,
    })
}

/// Too few different letters, or a walk along the keyboard or the alphabet.
fn trivial(base: &str) -> bool {
    let backwards: String = base.chars().rev().collect();
    let walks = |row: &&str| row.contains(base) || row.contains(backwards.as_str());
    base.chars().collect::<HashSet<_>>().len() < WORD || ROWS.iter().any(walks)
}

/// The shortest text of which this is a repetition: itself where it is none.
fn unit(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, _)| at).skip(1);
    let repeats = |end: &usize| text.len().is_multiple_of(*end) && text[..*end].repeat(text.len() / end) == text;
    ends.into_iter().find(repeats).map_or(text, |end| &text[..end])
}

/// Whether it is two known words, or one and a few letters.
fn splits(base: &str, known: impl Fn(&str) -> bool) -> bool {
    let few = |text: &str| text.chars().count() <= FILLER;
    base.char_indices().skip(1).any(|(at, _)| {
        let (head, tail) = base.split_at(at);
        known(head) && (few(tail) || known(tail)) || known(tail) && few(head)
    })
}

/// The words of a name or an address, the longest first.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<String> = parts.map(base).filter(|word| word.chars().count() >= FILLER).collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_and_stands_as_passwords_are_reduced() {
        assert!(COMMON.len() > 10_000, "{}", COMMON.len());
        let strange: Vec<_> =
            COMMON.iter().filter(|word| base(word) != **word || word.chars().count() < WORD).collect();
        assert!(strange.is_empty(), "{strange:?}");
    }

    #[test]
    fn what_everybody_takes_is_known_however_it_is_dressed_up() {
        for password in [
            "password1234",
            "P@ssw0rd2026!!",
            "passwordpassword",
            "Qwertyuiop12",
            "qwertzuiopas",
            "letmein123456",
            "iloveyou!!!!",
            "Summer-2026-Summer",
            "123456789012",
            "aaaaaaaaaaaa",
            "abcdefghijkl",
            "mypassword123",
            "welcome123456",
            "princess dragon",
            "1q2w3e4r5t6y",
            "2026-11-22-2026-11-22",
            "abababababab",
            "zyxwvutsrqponm",
        ] {
            assert_eq!(weakness(password, &[]), Some(Weakness::Common), "{password}");
        }
    }

    #[test]
    fn what_nobody_guesses_is_taken() {
        for password in [
            "correct horse battery staple",
            "another horse entirely",
            "a brand new password",
            "bücherwurm im regal",
            "tK9#vQ2!mX7z",
            "ваш кот спит на крыше",
            "Zaubernuss blüht im Januar",
            "for sale: one boat",
        ] {
            assert_eq!(weakness(password, &["Sam Seller", "sam@tandem.test"]), None, "{password}");
        }
    }

    #[test]
    fn nobody_is_called_like_their_password() {
        let own = ["Sam Ölschläger", "s.oelschlaeger@example-works.test"];
        for password in ["Ölschläger2026", "samölschläger", "oelschlaeger!!1", "Sam.Example.2026", "SAMölschläger&co"]
        {
            assert_eq!(weakness(password, &own), Some(Weakness::Personal), "{password}");
        }
        assert_eq!(weakness("sam walks the dog", &own), None);
        assert_eq!(weakness("Ölschläger2026", &["Tia Teammate"]), None, "it is somebody else's name");
    }
}
