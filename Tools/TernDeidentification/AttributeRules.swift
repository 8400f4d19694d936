import TernDICOM

/// What table E.1-1 of PS3.15 says of one attribute.
struct ProfileAction: Equatable, Sendable {
    /// The column of the basic profile, PS3.15 table E.1-1a.
    enum Basic: String, Sendable {
        case remove = "X"
        case empty = "Z"
        case dummy = "D"
        case mapUID = "U"
        case emptyOrDummy = "Z/D"
        case removeOrEmpty = "X/Z"
        case removeOrDummy = "X/D"
        case removeOrEmptyOrDummy = "X/Z/D"
        case removeOrEmptyOrMapUIDs = "X/Z/U"

        /// The one action that leaves an attribute of every type of the information object valid: what may have to be present is, what may have to have a
        /// value has one. The type depends on the module the attribute stands in and on conditions there, so it is not looked up.
        var resolved: Basic {
            switch self {
            case .remove, .empty, .dummy, .mapUID: self
            case .removeOrEmpty: .empty
            case .emptyOrDummy, .removeOrDummy, .removeOrEmptyOrDummy: .dummy
            case .removeOrEmptyOrMapUIDs: .mapUID
            }
        }
    }
    var basic: Basic
    /// "K" in the column Retain Device Identity.
    var isDevice: Bool
    /// "C" in the column Retain Longitudinal Temporal Information with Modified Dates.
    var isTemporal: Bool
}

/// What is known of one attribute.
struct AttributeRule: Sendable {
    var representation: VR
    /// US or SS, as Pixel Representation says.
    var dependsOnPixelRepresentation: Bool
    /// The most values that a binary number has here.
    var limitCount = 1
    var action: ProfileAction?
}

/// The dictionary of PS3.6 with the actions of PS3.15.
struct AttributeRules: Sendable {
    static let shared = AttributeRules()
    private var rules: [UInt32: AttributeRule] = [:]

    private init() {
        rules.reserveCapacity(5_000)
        for line in attributeDictionaryText.split(separator: "\n") { readDictionary(line.split(separator: " ")) }
        for line in manyValuedText.split(separator: "\n") { readCounts(line.split(separator: " ")) }
        for line in actionTableText.split(separator: "\n") { readActions(line.split(separator: " ")) }
    }

    private mutating func readDictionary(_ words: [Substring]) {
        guard let first = words.first, let group = UInt32(first, radix: 16) else { return }
        var representation = VR.UN
        var isAmbiguous = false
        for word in words.dropFirst() {
            if word.utf8.count == 2 {
                isAmbiguous = word == "xs"
                representation = isAmbiguous ? .US : VR(rawValue: String(word)) ?? .UN
            } else if let element = UInt32(word, radix: 16) {
                rules[group << 16 | element] = AttributeRule(
                    representation: representation, dependsOnPixelRepresentation: isAmbiguous)
            }
        }
    }

    private mutating func readCounts(_ words: [Substring]) {
        guard let first = words.first, let group = UInt32(first, radix: 16) else { return }
        for word in words.dropFirst() {
            let parts = word.split(separator: ":")
            guard parts.count == 2, let element = UInt32(parts[0], radix: 16) else { continue }
            rules[group << 16 | element]?.limitCount = Int(parts[1]) ?? Int.max
        }
    }

    /// An attribute of the table that the dictionary does not have stays unknown: it is removed.
    private mutating func readActions(_ words: [Substring]) {
        guard words.count > 3, let basic = ProfileAction.Basic(rawValue: String(words[0])) else { return }
        let action = ProfileAction(basic: basic, isDevice: words[1] == "K", isTemporal: words[2] == "C")
        for word in words.dropFirst(3) {
            guard let number = UInt32(word, radix: 16) else { continue }
            rules[number]?.action = action
        }
    }

    /// Nil for an attribute that the standard does not have.
    subscript(tag: DICOMTag) -> AttributeRule? { rules[tag.number] }

    /// All attributes with an action, in the order of their tags.
    var actions: [(tag: UInt32, action: ProfileAction)] {
        rules.compactMap { number, rule in rule.action.map { (number, $0) } }.sorted { $0.tag < $1.tag }
    }
}

/// One row of table E.1-1.
public struct ProfileRow: Equatable, Sendable {
    /// Eight hexadecimal digits.
    public var tag: String
    /// As the table writes it: `X`, `Z`, `X/Z/D` ...
    public var action: String
    /// What is done, one of `X`, `Z`, `D`, `U`.
    public var resolved: String
    /// Whether Retain Device Identity keeps it.
    public var isDevice: Bool
    /// Whether Modified Dates moves it.
    public var isTemporal: Bool
}

/// The attributes of table E.1-1 that the dictionary has, in the order of their tags.
public func profileRows() -> [ProfileRow] {
    AttributeRules.shared.actions.map { entry in
        let digits = String(entry.tag, radix: 16, uppercase: true)
        return ProfileRow(
            tag: String(repeating: "0", count: 8 - digits.count) + digits, action: entry.action.basic.rawValue,
            resolved: entry.action.basic.resolved.rawValue, isDevice: entry.action.isDevice, isTemporal: entry.action.isTemporal)
    }
}
