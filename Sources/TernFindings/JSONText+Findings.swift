extension JSONText {
    /// Scheme, value and meaning as an object; `null` for none.
    @inline(never)
    public mutating func value(_ term: CodedTerm?) {
        guard let term else { return null() }
        beginObject()
        member("scheme", term.scheme)
        member("value", term.value)
        member("meaning", term.meaning)
        endObject()
    }

    /// A key with a text or `null`.
    @inline(never)
    public mutating func member(_ name: String, _ text: String?) {
        key(name)
        if let text { value(text) } else { null() }
    }

    /// A key with a number or `null`.
    @inline(never)
    public mutating func member(_ name: String, _ number: Float?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    /// What results and the service say of a model: the members `name`, `version`, `digest`, `signature`.
    @inline(never)
    public mutating func members(of model: ModelReference) {
        member("name", model.name)
        member("version", model.version)
        member("digest", model.digest)
        member("signature", model.keyIdentifier == nil ? "unsigned" : "valid")
    }
}
