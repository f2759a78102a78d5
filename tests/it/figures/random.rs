//! Figures of made-up accounts, against the same worked out here from the listed rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::shared::create_all;

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn maybe(&mut self, value: Value) -> Value {
        if self.roll(4) == 0 { Value::Null } else { value }
    }
}

/// What is known of a group while it is worked out.
#[derive(Default)]
struct Group {
    count: u64,
    employees: Vec<i64>,
    revenue: BTreeMap<String, Vec<i64>>,
}

fn cents(amount: &str) -> i64 {
    amount.replace('.', "").parse().expect("digits")
}

fn euros(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl Group {
    fn add(&mut self, account: &Value) {
        self.count += 1;
        self.employees.extend(account["employeeCount"].as_i64());
        if let Some(currency) = account["annualRevenue"]["currency"].as_str() {
            let amount = cents(account["annualRevenue"]["amount"].as_str().expect("an amount"));
            self.revenue.entry(currency.to_owned()).or_default().push(amount);
        }
    }

    /// As `accountAggregate` answers it.
    fn figures(&self, key: &Value) -> Value {
        let revenue = |of: &dyn Fn(&[i64]) -> i64| -> Vec<Value> {
            self.revenue
                .iter()
                .map(|(currency, amounts)| json!({ "amount": euros(of(amounts)), "currency": currency }))
                .collect()
        };
        let sum = |amounts: &[i64]| amounts.iter().sum::<i64>();
        // Half a cent is rounded up.
        let mean = |amounts: &[i64]| {
            let count = i64::try_from(amounts.len()).expect("few");
            (sum(amounts) * 2 + count) / (2 * count)
        };
        let employees = (!self.employees.is_empty()).then(|| sum(&self.employees));
        #[expect(clippy::cast_precision_loss, reason = "a mean is a floating-point figure")]
        let average = employees.map(|sum| (sum as f64 / self.employees.len() as f64).to_string());
        // JSON writes a whole mean without a point.
        let average: Value = average.map_or(Value::Null, |mean| serde_json::from_str(&mean).expect("a number"));
        json!({
            "key": key, "count": self.count,
            "sum": { "employeeCount": employees.map(|sum| sum.to_string()), "annualRevenue": revenue(&sum) },
            "avg": { "employeeCount": average, "annualRevenue": revenue(&mean) },
            "min": { "employeeCount": self.employees.iter().min(), "annualRevenue": revenue(&|amounts| *amounts.iter().min().expect("some")) },
            "max": { "employeeCount": self.employees.iter().max(), "annualRevenue": revenue(&|amounts| *amounts.iter().max().expect("some")) },
        })
    }
}

const MONEY: &str = "employeeCount annualRevenue { amount currency }";

on_both_engines! {
    async fn figures_are_what_the_listed_rows_come_to(world: World) {
        let admin = world.admin().await;
        for seed in 1..=6 {
            let mut dice = Dice(seed);
            let industry = format!("of run {seed}");
            let accounts: Vec<Value> = (0..150).map(|n| {
                let revenue = json!({ "amount": euros(i64::try_from(dice.roll(1 << 31)).expect("small")), "currency": (["EUR", "USD", "GBP"][usize::try_from(dice.roll(3)).expect("small")]) });
                json!({
                    "name": format!("A{n}"), "industry": industry,
                    "tier": (["TIER_1", "TIER_2", "TIER_3"][usize::try_from(dice.roll(3)).expect("small")]),
                    "city": dice.maybe(json!(["Köln", "Bonn", "Aachen", "bonn"][n % 4])),
                    "employeeCount": dice.maybe(json!((n * 7_919) % 100_000)), "annualRevenue": dice.maybe(revenue),
                })
            }).collect();
            create_all(&admin, "account", accounts).await;
            let least = dice.roll(50_000);
            let filter = json!({ "industry": { "eq": industry }, "not": { "employeeCount": { "lt": least } } });
            let document = format!("query ($filter: AccountFilter!) {{
                accounts(filter: $filter, first: 200) {{ nodes {{ city tier {MONEY} }} }}
                one: accountAggregate(filter: $filter) {{ key {{ city tier }} count sum {{ {MONEY} }} avg {{ {MONEY} }} min {{ {MONEY} }} max {{ {MONEY} }} }}
                many: accountAggregate(filter: $filter, groupBy: [{{ field: CITY }}, {{ field: TIER }}]) {{ key {{ city tier }} count sum {{ {MONEY} }} avg {{ {MONEY} }} min {{ {MONEY} }} max {{ {MONEY} }} }}
            }}");
            let answer = admin.query_with(&document, json!({ "filter": filter })).await.expect_ok();
            let listed = answer.data("accounts.nodes").as_array().expect("a list");
            let mut whole = Group::default();
            // A group without a city comes last.
            let mut groups: BTreeMap<(bool, String, String), Group> = BTreeMap::new();
            for account in listed {
                whole.add(account);
                let city = account["city"].as_str();
                groups.entry((city.is_none(), city.unwrap_or_default().to_owned(), account["tier"].as_str().expect("a tier").to_owned())).or_default().add(account);
            }
            assert_eq!(answer.data("one"), &json!([whole.figures(&json!({ "city": null, "tier": null }))]), "seed {seed}");
            let expected: Vec<Value> = groups.iter().map(|((none, city, tier), group)| {
                group.figures(&json!({ "city": (!none).then_some(city), "tier": tier }))
            }).collect();
            assert_eq!(answer.data("many"), &json!(expected), "seed {seed}");
        }
    }
}
