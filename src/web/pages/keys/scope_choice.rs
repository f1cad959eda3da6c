//! The choice of scopes in a form: presets, and the boxes of a custom set. For a restricted key there are only boxes, of
//! what such a key may hold.

use crate::model::api_key::{ApiKey, KeyType};
use crate::model::key_form::holdable;
use crate::model::scopes::Scopes;
use crate::model::text;
use crate::product::{Product, ScopeDefinition, ScopeKind};

/// What is chosen, of what there is.
pub struct ScopeChoice<'a> {
    pub product: &'a Product,
    key_type: KeyType,
    preset: String,
    scopes: Vec<String>,
}

/// A radio: its value, its words, and whether it is chosen.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hint: String,
    pub checked: bool,
}

/// One row of the matrix of boxes.
pub struct MatrixRow<'a> {
    pub label: &'a str,
    pub description: &'a str,
    pub cells: Vec<Option<&'a ScopeDefinition>>,
}

impl<'a> ScopeChoice<'a> {
    pub fn new(product: &'a Product, key_type: KeyType, preset: &str, scopes: &[String]) -> Self {
        Self { product, key_type, preset: preset.to_owned(), scopes: scopes.to_vec() }
    }

    /// As a key has them, were it `scopes`: under the preset that they are, or box by box.
    pub fn of(product: &'a Product, key: &ApiKey, scopes: &Scopes) -> Self {
        let own = product.presets.iter().map(|preset| preset.id.as_str());
        let is =
            |preset: &str| product.preset_scopes(preset).is_some_and(|all| Scopes::ordered(&all, product) == *scopes);
        let preset = own.chain(["read", "full"]).find(|preset| is(preset)).unwrap_or("custom");
        let boxes = holdable(product, key.key_type).map(|scope| &scope.id).filter(|id| scopes.grants(id));
        Self::new(product, key.key_type, preset, &boxes.cloned().collect::<Vec<_>>())
    }

    pub fn is_restricted(&self) -> bool {
        self.key_type == KeyType::Restricted
    }

    pub fn holdable(&self) -> Vec<&'a ScopeDefinition> {
        holdable(self.product, self.key_type).collect()
    }

    pub fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().any(|chosen| chosen == scope)
    }

    /// The definition's own presets, and those that every definition has.
    pub fn presets(&self) -> Vec<Choice> {
        let product = self.product;
        let own =
            product.presets.iter().map(|preset| (preset.id.clone(), preset.label.clone(), preset.scopes.join(", ")));
        let full = if product.keys.full_access { "Full access" } else { "All scopes" };
        let fixed = [
            ("read".to_owned(), "Read only".to_owned(), "all read scopes".to_owned()),
            ("full".to_owned(), full.to_owned(), format!("all {} scopes", product.scopes.len())),
            ("custom".to_owned(), "Custom".to_owned(), "choose below".to_owned()),
        ];
        let choice = |(value, label, hint): (String, String, String)| Choice {
            checked: value == self.preset,
            value,
            label,
            hint,
        };
        own.chain(fixed).map(choice).collect()
    }

    /// The heads of the matrix: read, write, and each kind of action by its own name.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for kind in [ScopeKind::Read, ScopeKind::Write, ScopeKind::Action] {
            for scope in self.product.scopes.iter().filter(|scope| scope.kind == kind) {
                let column = column_of(scope);
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        columns
    }

    pub fn matrix(&self) -> Vec<MatrixRow<'a>> {
        let product = self.product;
        let columns = self.columns();
        let cell = |group: &str, column: &String| {
            product.scopes.iter().find(|scope| scope.group == group && column_of(scope) == *column)
        };
        let row = |group: &'a crate::product::Group| MatrixRow {
            label: &group.label,
            description: &group.description,
            cells: columns.iter().map(|column| cell(&group.id, column)).collect(),
        };
        product.groups.iter().map(row).collect()
    }
}

fn column_of(scope: &ScopeDefinition) -> String {
    match scope.kind {
        ScopeKind::Read => "Read".into(),
        ScopeKind::Write => "Write".into(),
        ScopeKind::Action => text::capitalised(scope.id.rsplit(':').next().unwrap_or_default()),
    }
}
