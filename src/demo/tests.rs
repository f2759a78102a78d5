//! What may be relied on in the demo company.
