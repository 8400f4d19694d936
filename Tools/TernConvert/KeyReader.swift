/// Reads members of a JSON object and says the full path of one that is absent or wrong.
struct KeyReader {
    private let value: JSONValue
    private let prefix: String

    init(_ value: JSONValue, path: String) {
        self.value = value
        prefix = path
    }

    func path(_ key: String) -> String { prefix.isEmpty ? key : prefix + "." + key }
    func has(_ key: String) -> Bool { value[key] != nil && value[key] != .null }

    private func required(_ key: String, _ expected: String) throws(ConvertError) -> JSONValue {
        guard let found = value[key] else { throw .missingKey(path(key), expected: expected) }
        return found
    }
    func string(_ key: String, _ expected: String) throws(ConvertError) -> String {
        guard let text = try required(key, expected).string else { throw .badKey(path(key), expected: expected) }
        return text
    }
    func optionalString(_ key: String) throws(ConvertError) -> String? { has(key) ? try string(key, "a string") : nil }
    func number(_ key: String, _ expected: String) throws(ConvertError) -> Double {
        guard let number = try required(key, expected).double else { throw .badKey(path(key), expected: expected) }
        return number
    }
    func optionalNumber(_ key: String) throws(ConvertError) -> Double? { has(key) ? try number(key, "a number") : nil }
    func integer(_ key: String, _ expected: String) throws(ConvertError) -> Int {
        guard let number = try required(key, expected).integer else { throw .badKey(path(key), expected: expected) }
        return number
    }
    func boolean(_ key: String) -> Bool? { value[key]?.boolean }
    func numbers(_ key: String, count: Int, _ expected: String) throws(ConvertError) -> [Double] {
        let numbers = try required(key, expected).array?.compactMap(\.double) ?? []
        guard numbers.count == count else { throw .badKey(path(key), expected: expected) }
        return numbers
    }
    func integers(_ key: String, _ expected: String) throws(ConvertError) -> [Int] {
        let values = try required(key, expected).array ?? []
        let numbers = values.compactMap(\.integer)
        guard numbers.count == values.count else { throw .badKey(path(key), expected: expected) }
        return numbers
    }
    func child(_ key: String, _ expected: String) throws(ConvertError) -> KeyReader {
        let child = try required(key, expected)
        guard child.members != nil else { throw .badKey(path(key), expected: "an object: \(expected)") }
        return KeyReader(child, path: path(key))
    }
    func children(_ key: String) throws(ConvertError) -> [KeyReader] {
        guard let entries = value[key] else { return [] }
        guard let array = entries.array else { throw .badKey(path(key), expected: "a list of objects") }
        return array.enumerated().map { KeyReader($1, path: "\(path(key))[\($0)]") }
    }
}
