import TernStore

/// What the results of a screening depend on beside its files; a screening is only continued with the same.
public struct ScreeningSettings: Equatable, Sendable {
    /// A part that may differ.
    public enum Part: String, CaseIterable, Equatable, Sendable {
        /// The version of the program: another one may answer otherwise.
        case program
        case folder
        case model
        case thresholds
        case frames
        case modality
        case pictures
        /// The folder for other programs: what is done is not written again into another one.
        case outbox
        case forms
    }
    /// One line without control characters for each part, in the order of `Part`; not empty.
    private var values: [String] = []

    public init(_ value: (Part) -> String) {
        for part in Part.allCases { values.append(value(part)) }
    }

    /// Nil for what is no description of a screening.
    init?(parsing bytes: [UInt8]) {
        guard let file = try? SettingsFile(parsing: bytes) else { return nil }
        for part in Part.allCases {
            guard let setting = file.settings.first(where: { $0.key == part.rawValue }) else { return nil }
            values.append(setting.value)
        }
    }

    var text: String {
        var text = "# What this screening was begun with. It is continued with the same only.\n"
        for (index, part) in Part.allCases.enumerated() { text += part.rawValue + " = " + values[index] + "\n" }
        return text
    }

    /// The first part in which two differ; nil when they are the same.
    func difference(from other: ScreeningSettings) -> Part? {
        for (index, part) in Part.allCases.enumerated() where !values[index].utf8.elementsEqual(other.values[index].utf8) { return part }
        return nil
    }
}
