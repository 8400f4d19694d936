import TernDICOM

/// Why an element was treated as it was; one counter of the report each.
enum Reason {
    case removed, removedPrivate, removedUnknown, removedGraphics, removedBulk
    case emptied, formless, unknownTerm, replaced, replacedText, identifierMapped, dateShifted, deviceRetained, kept
}

extension DeidentificationReport.Actions {
    mutating func count(_ reason: Reason) {
        switch reason {
        case .removed: removed += 1
        case .removedPrivate: removedPrivate += 1
        case .removedUnknown: removedUnknown += 1
        case .removedGraphics: removedGraphics += 1
        case .removedBulk: removedBulk += 1
        case .emptied: emptied += 1
        case .formless: formless += 1
        case .unknownTerm: unknownTerms += 1
        case .replaced: replaced += 1
        case .replacedText: replacedText += 1
        case .identifierMapped: identifiersMapped += 1
        case .dateShifted: datesShifted += 1
        case .deviceRetained: deviceRetained += 1
        case .kept: kept += 1
        }
    }
}

/// Decides on one element at a time: PS3.15 table E.1-1 where it names the attribute, else a rule by representation that keeps only what cannot hold a name.
struct ElementPolicy: Sendable {
    enum Treatment {
        case remove(Reason)
        case write(VR, [UInt8], Reason)
    }
    enum SequenceTreatment {
        case remove(Reason)
        case empty
        case walk(isDummy: Bool)
    }

    let options: DeidentificationOptions
    let pseudonyms: Pseudonyms
    /// Whose file it is.
    let identity: [UInt8]
    let isSigned: Bool
    private let shift: DateShift

    init(options: DeidentificationOptions, key: DeidentificationKey, facts: DataSetFacts) {
        self.options = options
        pseudonyms = Pseudonyms(key: key)
        identity = facts.identity
        isSigned = facts.isSigned
        shift = DateShift(days: pseudonyms.dayShift(facts.identity))
    }

    /// What is removed by its group: PS3.15 table E.1-1 names private attributes, overlays and curves so; commands and meta information are no part of a data set.
    private func removal(_ tag: DICOMTag) -> Reason? {
        if tag.group % 2 == 1 { return .removedPrivate }
        switch tag.group {
        case 0x5000...0x50FE, 0x6000...0x60FE: return .removedGraphics
        case 0..<8, 0xFFF0...: return .removed
        default: return tag.element == 0 ? .removed : nil
        }
    }

    // MARK: Sequences

    func sequence(_ element: DataElement, isDummy: Bool) -> SequenceTreatment {
        if let reason = removal(element.tag) { return .remove(reason) }
        guard let rule = AttributeRules.shared[element.tag], rule.representation == .SQ else { return .remove(.removedUnknown) }
        guard let action = rule.action, !(action.isDevice && options.retainsDevice) else { return .walk(isDummy: isDummy) }
        // No module demands these; items of them would be asked for a content that is gone.
        if [0x0008_0082, 0x0008_1072, 0x0008_1110].contains(element.tag.number) { return .remove(.removed) }
        switch action.basic.resolved {
        case .remove: return .remove(.removed)
        case .empty: return .empty
        case .dummy: return .walk(isDummy: true)
        default: return .walk(isDummy: isDummy)
        }
    }

    // MARK: Elements

    func element(_ element: DataElement, value: [UInt8], code: CodedEntry, isDummy: Bool) -> Treatment {
        if let reason = removal(element.tag) { return .remove(reason) }
        guard let rule = AttributeRules.shared[element.tag] else { return .remove(.removedUnknown) }
        guard let representation = written(element, rule) else {
            // An empty value of an unknown representation tells nothing and may be demanded.
            return value.isEmpty && rule.representation != .UN ? .write(rule.representation, [], .kept) : .remove(.removedUnknown)
        }
        var value = value
        if element.isBigEndian { swapBytes(&value, unit: representation.unitByteCount) }
        guard !trimmed(value).isEmpty || !value.isEmpty && representation.padding == 0 else {
            guard rule.action?.basic != .remove else { return .remove(.removed) }
            return .write(representation, [], .kept)
        }
        // The bytes of numbers have no form, so their count must be right.
        let byteCount = representation == .AT ? 4 : representation.unitByteCount
        if byteCount > 1, !representation.isBulk, value.count % byteCount != 0 || value.count / byteCount > rule.limitCount {
            return .write(representation, [], .formless)
        }
        if let action = rule.action { return byTable(element.tag, action, representation, value, isDummy: isDummy) }
        if isDummy { return dummyContent(element.tag, representation, value, code: code) }
        return byRepresentation(element.tag, representation, value, code: code)
    }

    /// The representation to write: that of the element, which must be of the same nature as that of the dictionary. Nil for what is unknown.
    private func written(_ element: DataElement, _ rule: AttributeRule) -> VR? {
        let known = rule.dependsOnPixelRepresentation && isSigned ? VR.SS : rule.representation
        guard let letters = element.representation else { return known == .SQ ? nil : known }
        guard let stated = VR(letters), known != .SQ, known != .UN else { return nil }
        // PS3.5 2024d 6.2.2: what passed through a system that did not know it.
        if stated == .UN { return known.isBulk ? nil : known }
        if stated == known { return stated }
        // Bytes may be called words, and a table may be numbers; text of one kind may be called another, and the dictionary knows which it is.
        if stated.isBulk, known.isBulk { return stated }
        if [.US, .SS, .OW].contains(stated), [.US, .SS, .OW].contains(known) { return stated }
        if stated.isBulk || known.isBulk || stated.padding != known.padding { return nil }
        return stated.unitByteCount == 1 && known.unitByteCount == 1 ? known : nil
    }

    private func byTable(_ tag: DICOMTag, _ action: ProfileAction, _ representation: VR, _ value: [UInt8], isDummy: Bool) -> Treatment {
        if action.isTemporal, options.shiftsDates, let moved = moved(tag, representation, value) { return .write(representation, moved, .dateShifted) }
        if action.isDevice, options.retainsDevice, !isDummy { return .write(representation, value, .deviceRetained) }
        switch action.basic.resolved {
        case .remove: return .remove(.removed)
        case .mapUID: return mappedIdentifiers(tag, representation, value)
        case .dummy where representation == .UI: return mappedIdentifiers(tag, representation, value)
        case .dummy:
            // A dummy identifier of the patient links what belongs together.
            return .write(representation, patientName(tag) ?? Dummy.value(representation), .replaced)
        default:
            if let name = patientName(tag) { return .write(representation, name, .replaced) }
            return .write(representation, [], .emptied)
        }
    }

    /// Patient's Name and Patient ID carry the same pseudonym.
    private func patientName(_ tag: DICOMTag) -> [UInt8]? {
        tag.number == 0x0010_0010 || tag.number == 0x0010_0020 ? pseudonyms.patient(identity) : nil
    }

    private func moved(_ tag: DICOMTag, _ representation: VR, _ value: [UInt8]) -> [UInt8]? {
        switch representation {
        case .DA: return shift.date(value)
        case .DT: return shift.dateTime(value)
        case .TM: return shift.time(value)
        // Timezone Offset From UTC: dates move by whole days, so it stays right.
        case .SH where tag.number == 0x0008_0201:
            let text = trimmed(value)
            return text.count == 5 && (text[0] == 0x2B || text[0] == 0x2D) && decimal(Array(text.dropFirst())) != nil ? text : nil
        default: return nil
        }
    }

    private func mappedIdentifiers(_ tag: DICOMTag, _ representation: VR, _ value: [UInt8]) -> Treatment {
        guard representation == .UI else { return .write(representation, Dummy.value(representation), .replaced) }
        var result: [UInt8] = []
        var isMapped = false
        for (index, part) in value.split(separator: 0x5C, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { result.append(0x5C) }
            let identifier = trimmed(Array(part))
            if identifier.isEmpty { continue }
            if Registry.isOfTheStandard(identifier) || ValueRules.classIdentifiers.contains(tag.number) && Registry.isClass(identifier) {
                result += identifier
            } else {
                result += pseudonyms.identifier(for: identifier)
                isMapped = true
            }
        }
        return .write(.UI, result, isMapped ? .identifierMapped : .kept)
    }

    // MARK: Attributes outside the table

    private func byRepresentation(_ tag: DICOMTag, _ representation: VR, _ value: [UInt8], code: CodedEntry) -> Treatment {
        switch representation {
        case .UI: return mappedIdentifiers(tag, representation, value)
        case .DA, .DT, .TM:
            if options.shiftsDates, let moved = moved(tag, representation, value) { return .write(representation, moved, .dateShifted) }
            return .write(representation, [], .emptied)
        case .CS:
            return ValueRules.hasForm(representation, value) ? terms(tag, value) : .write(representation, [], .formless)
        case .IS, .DS, .AS:
            return ValueRules.hasForm(representation, value) ? .write(representation, value, .kept) : .write(representation, [], .formless)
        case .AT:
            let tags = ValueRules.knownTags(value)
            return .write(representation, tags, tags.count == value.count ? .kept : .formless)
        case .FD: return ValueRules.isPlausible(value) ? .write(representation, value, .kept) : .write(representation, [], .formless)
        case .FL, .SL, .SS, .SV, .UL, .US, .UV: return .write(representation, value, .kept)
        case _ where representation.isBulk:
            if tag.number == 0x0028_2000 { return ColourProfile.isProfile(value) ? .write(representation, value, .kept) : .remove(.removedBulk) }
            return ValueRules.technicalBulk.contains(tag.number) ? .write(representation, value, .kept) : .remove(.removedBulk)
        default: return text(tag, representation, value, code: code)
        }
    }

    /// Each value that is no term of the standard becomes a dummy, so that the others keep their places.
    private func terms(_ tag: DICOMTag, _ value: [UInt8]) -> Treatment {
        var isUnknown = false
        let parts = trimmed(value).split(separator: 0x5C, omittingEmptySubsequences: false).map { part in
            let text = trimmed(Array(part))
            if Registry.isTerm(tag, text) { return text }
            isUnknown = true
            return Dummy.text
        }
        return .write(.CS, Array(parts.joined(separator: [0x5C])), isUnknown ? .unknownTerm : .kept)
    }

    private func text(_ tag: DICOMTag, _ representation: VR, _ value: [UInt8], code: CodedEntry) -> Treatment {
        if let entry = entry(tag, value, code) { return .write(representation, entry.value, entry.reason) }
        if options.retainsDevice, ValueRules.deviceText.contains(tag.number) { return .write(representation, value, .deviceRetained) }
        if ValueRules.isTechnical(tag, value) { return .write(representation, trimmed(value), .kept) }
        // Rescale Type and Modality LUT Type have a term for "unspecified"; a module may demand any other text, so it is not left empty.
        if tag.number == 0x0028_1054 || tag.number == 0x0028_3004 { return .write(representation, Array("US".utf8), .replacedText) }
        return .write(representation, Dummy.value(representation), .replacedText)
    }

    /// A coded entry. The meaning is text and could be anything: the code stands for itself.
    private func entry(_ tag: DICOMTag, _ value: [UInt8], _ code: CodedEntry) -> (value: [UInt8], reason: Reason)? {
        let value = trimmed(value)
        switch tag.number {
        case 0x0008_0100, 0x0008_0119: return CodeRules.mayStay(value, scheme: code.scheme) ? (value, .kept) : (Dummy.text, .replacedText)
        case 0x0008_0102: return CodeRules.isPublic(String(decoding: value, as: UTF8.self)) ? (value, .kept) : (Array("99TERN".utf8), .replacedText)
        case 0x0008_0103: return value.count <= 16 && value.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E } ? (value, .kept) : nil
        case 0x0008_0104: return (CodeRules.mayStay(code.value, scheme: code.scheme) ? code.value : Dummy.text, .replacedText)
        default: return nil
        }
    }

    /// What stands in a sequence that the table replaces by dummies: codes, references and counts keep the structure, everything else is a dummy.
    private func dummyContent(_ tag: DICOMTag, _ representation: VR, _ value: [UInt8], code: CodedEntry) -> Treatment {
        switch representation {
        case .UI, .CS, .AT, .US, .SS, .UL, .SL, .DA, .DT, .TM: return byRepresentation(tag, representation, value, code: code)
        case .IS where tag.number == 0x0008_1160: return byRepresentation(tag, representation, value, code: code)
        case .DS, .IS:
            let count = value.lazy.filter { $0 == 0x5C }.count
            return .write(representation, Array(([String](repeating: "0", count: count + 1)).joined(separator: "\\").utf8), .replaced)
        case .FL, .FD: return .write(representation, [UInt8](repeating: 0, count: value.count), .replaced)
        default:
            if let entry = entry(tag, value, code) { return .write(representation, entry.value, entry.reason) }
            return representation.isBulk ? .remove(.removedBulk) : .write(representation, Dummy.value(representation), .replaced)
        }
    }
}

/// Values that say nothing, PS3.15 table E.1-1a: consistent with their representation and not empty.
enum Dummy {
    static let text = Array("REMOVED".utf8)

    static func value(_ representation: VR) -> [UInt8] {
        switch representation {
        case .DA: Array("19000101".utf8)
        case .TM: Array("000000".utf8)
        case .DT: Array("19000101000000".utf8)
        case .AS: Array("000D".utf8)
        case .DS, .IS: Array("0".utf8)
        case .UR: Array("urn:removed".utf8)
        case .SS, .US: [0, 0]
        case .AT, .FL, .SL, .UL: [0, 0, 0, 0]
        case .FD, .OB, .OD, .OF, .OL, .OV, .OW, .SV, .UN, .UV: [UInt8](repeating: 0, count: 8)
        default: text
        }
    }
}

/// ICC profiles hold their size and a signature, ICC.1:2022 7.2; the text of their tags is the maker's.
enum ColourProfile {
    static func isProfile(_ value: [UInt8]) -> Bool {
        guard value.count >= 128, Array(value[36..<40]) == Array("acsp".utf8) else { return false }
        let stated = value[0..<4].reduce(0) { $0 << 8 | Int($1) }
        return stated <= value.count && value.count - stated < 4
    }
}
