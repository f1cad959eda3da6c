//! `keydesk scanner-rules`: what finds keys of the product in use in source code, made from its definition without opening
//! the database: a rule for gitleaks, or the regular expression that a secret scanning partner hands in.

use clap::{Args, ValueEnum};

use super::Failure;
use crate::config::Settings;
use crate::model::secret::pattern;
use crate::product::Product;

#[derive(Args)]
pub struct ScannerRules {
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Gitleaks)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Gitleaks,
    Regex,
}

pub fn run(settings: &Settings, rules: &ScannerRules) -> Result<(), Failure> {
    let product = settings.product()?;
    match rules.format {
        Format::Gitleaks => print!("{}", gitleaks(&product)),
        Format::Regex => println!("{}", pattern(&product.secret_prefixes())),
    }
    Ok(())
}

/// A rule in TOML. What JSON says of a text, TOML's basic strings say too.
fn gitleaks(product: &Product) -> String {
    let prefixes = product.secret_prefixes();
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let brand = &product.brand.name;
    // gitleaks looks for the keywords in lower case before it tries the expression.
    let keywords: Vec<String> = prefixes.iter().map(|prefix| text(&prefix.to_lowercase())).collect();
    format!(
        "[[rules]]\nid = {}\ndescription = {}\nregex = '''{}'''\nkeywords = [{}]\n",
        text(&format!("{}-api-key", slug(brand))),
        text(&format!("API key of {brand}")),
        pattern(&prefixes),
        keywords.join(", ")
    )
}

/// `Parcel Post` → `parcel-post`.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use regex::Regex;
    use toml::de::DeTable;

    use super::*;
    use crate::entropy::Entropy;
    use crate::model::secret::Secret;
    use crate::product::DEFAULT;

    const DEFINITIONS: [&str; 6] = [
        DEFAULT,
        include_str!("../../products/mailpipe.toml"),
        include_str!("../../products/mailosaur.toml"),
        include_str!("../../products/shipmail.toml"),
        include_str!("../../products/mimeprotect.toml"),
        include_str!("../../products/mailkite.toml"),
    ];

    fn products() -> impl Iterator<Item = Product> {
        DEFINITIONS.into_iter().map(|text| Product::parse(text).expect("a definition"))
    }

    /// A thousand secrets, of each prefix in turn.
    fn secrets(product: &Product) -> Vec<String> {
        let (entropy, prefixes) = (Entropy::seeded(1000), product.secret_prefixes());
        let secret = |prefix: &String| Secret::generate(prefix, &entropy).reveal().to_owned();
        prefixes.iter().cycle().take(1000).map(secret).collect()
    }

    /// What is nearly a secret: each is one thing away from it.
    fn decoy(secret: &str, number: usize) -> String {
        let at = secret.rfind('_').expect("a prefix") + 1;
        let (prefix, random) = secret.split_at(at);
        let inside = 1 + number % 47;
        match number % 10 {
            0 => secret[..secret.len() - 1 - number % 48].to_owned(),
            1 => format!("{secret}{}", &random[..=number % 48]),
            2 => format!("zz_{random}"),
            3 => format!("{}{random}", prefix.to_uppercase()),
            4 => format!("{prefix}{}-{}", &random[..inside], &random[inside + 1..]),
            5 => format!("{prefix}{}é{}", &random[..inside], &random[inside + 1..]),
            6 => format!("{prefix}{} {}", &random[..inside], &random[inside..]),
            7 => format!("{}{random}", &prefix[..prefix.len() - 1]),
            8 => format!("my{secret}"),
            _ => format!("{prefix}_{random}"),
        }
    }

    #[test]
    fn the_expression_takes_every_key_and_nothing_that_is_nearly_one() {
        for product in products() {
            let name = &product.brand.name;
            let expression = Regex::new(&pattern(&product.secret_prefixes())).expect("a regular expression");
            for (number, secret) in secrets(&product).iter().enumerate() {
                let found = expression.find(secret).map(|found| found.as_str());
                assert_eq!(found, Some(secret.as_str()), "a key of {name}");
                assert!(expression.is_match(&format!("KEY=\"{secret}\";")), "in a line of {name}");
                let decoy = decoy(secret, number);
                assert!(!expression.is_match(&decoy), "{decoy} is no key of {name}");
            }
        }
    }

    #[test]
    fn the_rule_is_toml_whatever_the_product_is_called() {
        for mut product in products() {
            product.brand.name = "A \"quoted\" \\ brand\nof two lines".into();
            let printed = gitleaks(&product);
            let document = DeTable::parse(&printed).expect("TOML");
            let rule = document.get_ref()["rules"].get_ref()[0].get_ref();
            let text = |name: &str| rule[name].get_ref().as_str().expect("a text").to_owned();
            assert_eq!(text("id"), "a-quoted-brand-of-two-lines-api-key");
            assert_eq!(text("description"), format!("API key of {}", product.brand.name));
            assert_eq!(text("regex"), pattern(&product.secret_prefixes()));
            let keywords = rule["keywords"].get_ref().as_array().expect("keywords");
            assert_eq!(keywords.len(), product.secret_prefixes().len());
        }
    }
}
