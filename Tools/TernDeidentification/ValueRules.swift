import TernDICOM

/// The rules for attributes that table E.1-1 does not name, and the forms of values: only what cannot hold a name stays.
enum ValueRules {
    /// Attributes of bulk representations that are technical throughout. Others of these representations are removed.
    static let technicalBulk: Set<UInt32> = [
        // Lookup tables and colour
        0x0028_1201, 0x0028_1202, 0x0028_1203, 0x0028_1204, 0x0028_1211, 0x0028_1212, 0x0028_1213, 0x0028_1221, 0x0028_1222, 0x0028_1223,
        0x0028_1224, 0x0028_1408, 0x0028_3006, 0x0070_1808, 0x003A_032E,
        // Registration, surfaces, tracks, annotations by index
        0x0064_0009, 0x0066_0016, 0x0066_0021, 0x0066_0022, 0x0066_0023, 0x0066_0024, 0x0066_0025, 0x0066_0029, 0x0066_0040, 0x0066_0041,
        0x0066_0042, 0x0066_0043, 0x0066_0103, 0x0066_0125, 0x0066_0129, 0x006A_0011, 0x0080_0010, 0x0080_0011,
        // Maps of the eye and of dose
        0x0022_1531, 0x0018_1638, 0x300A_0664, 0x300A_0665, 0x300A_066B,
        // Waveforms and spectra
        0x5400_0110, 0x5400_0112, 0x5400_100A, 0x5400_1010, 0x5600_0010, 0x5600_0020,
        // Pixels that are real numbers
        0x7FE0_0008, 0x7FE0_0009,
    ]

    /// Classes, coding schemes and context groups: identifiers of kinds, not of things.
    static let classIdentifiers: Set<UInt32> = [
        0x0008_0016, 0x0008_001A, 0x0008_001B, 0x0008_0062, 0x0008_010C, 0x0008_010D, 0x0008_0117, 0x0008_0118, 0x0008_1150, 0x0008_115A,
    ]

    /// Text of the maker that says what the device is; it stays with Retain Device Identity.
    static let deviceText: Set<UInt32> = [0x0008_0070, 0x0008_1090, 0x0018_1016, 0x0018_1018, 0x0018_1019, 0x0018_1020]

    /// Whether the value has the form of its representation, so that nothing else can stand in it: CS, IS, DS, AS. Each value is checked.
    static func hasForm(_ representation: VR, _ value: [UInt8]) -> Bool {
        for part in trimmed(value).split(separator: 0x5C, omittingEmptySubsequences: false) {
            let text = trimmed(Array(part))
            switch representation {
            case .CS:
                guard text.count <= 16, text.allSatisfy({ (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x5F }) else {
                    return false
                }
            case .IS: guard text.isEmpty || text.count <= 12 && Int(String(decoding: text, as: UTF8.self)) != nil else { return false }
            case .DS: guard isDecimal(text) else { return false }
            case .AS: guard text.isEmpty || text.count == 4 && decimal(Array(text.prefix(3))) != nil && "DWMY".utf8.contains(text[3]) else { return false }
            default: return false
            }
        }
        return true
    }

    /// Those values of an AT, little endian, that are tags of PS3.6.
    static func knownTags(_ value: [UInt8]) -> [UInt8] {
        stride(from: 0, to: value.count - value.count % 4, by: 4).flatMap { start in
            let half = { (place: Int) in UInt16(value[start + place]) | UInt16(value[start + place + 1]) << 8 }
            return AttributeRules.shared[DICOMTag(half(0), half(2))] == nil ? [] : Array(value[start..<(start + 4)])
        }
    }

    /// Real numbers of 64 bits, little endian, between 1e-15 and 1e15, zero or none (NaN and infinity). Eight letters make other numbers.
    static func isPlausible(_ value: [UInt8]) -> Bool {
        stride(from: 0, to: value.count - value.count % 8, by: 8).allSatisfy { start in
            let bits = { (first: Int, count: Int) in (0..<count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(value[start + first + $1]) } }
            let number = Double(bitPattern: bits(0, 8))
            if number.isNaN { return bits(0, 6) == 0 }
            return number == 0 || number.isInfinite || (1e-15...1e15).contains(abs(number))
        }
    }

    /// A DS has 16 characters; writers are known to exceed that.
    static func isDecimal(_ text: [UInt8]) -> Bool {
        guard text.count <= 32 else { return false }
        for character in text {
            switch character {
            case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: continue
            default: return false
            }
        }
        return text.isEmpty || Double(String(decoding: text, as: UTF8.self)) != nil
    }

    static func isIdentifier(_ text: [UInt8]) -> Bool { DICOMUID(characters: text) != nil }

    /// Free text with terms that are enumerated or have a form of their own.
    static func isTechnical(_ tag: DICOMTag, _ value: [UInt8]) -> Bool {
        let text = String(decoding: trimmed(value), as: UTF8.self)
        switch tag.number {
        // PS3.3 2024d C.11.1.1.2
        case 0x0028_1054, 0x0028_3004:
            return ["OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "BQML", "CNTS", "GML"].contains(text)
        // Stack ID: which frames make one volume.
        case 0x0020_9056: return decimal(Array(text.utf8)).map { $0 < 10_000 } ?? false
        case 0x0018_1210: return text.utf8.split(separator: 0x5C).allSatisfy { isKernel(Array($0)) }
        default: return false
        }
    }

    /// A convolution kernel as makers name them: a word of the list, or at most two letters, three digits and two letters.
    private static func isKernel(_ text: [UInt8]) -> Bool {
        let words = [
            "STANDARD", "STND", "SOFT", "BONE", "LUNG", "DETAIL", "EDGE", "BONEPLUS", "CHEST", "SMOOTH", "SHARP", "ULTRA", "A", "B", "C", "D", "E", "L", "YA",
            "YB", "YC", "YD", "YE", "UB", "UC", "FBP",
        ]
        if words.contains(String(decoding: text, as: UTF8.self)) { return true }
        let letters = text.prefix { isLetter($0) }
        let rest = text.dropFirst(letters.count)
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        let tail = rest.dropFirst(digits.count)
        return letters.count <= 2 && (1...3).contains(digits.count) && tail.count <= 2 && tail.allSatisfy(isLetter)
    }

    private static func isLetter(_ character: UInt8) -> Bool { (0x41...0x5A).contains(character) || (0x61...0x7A).contains(character) }
}

/// Coded entries: a code of a public coding scheme is no text, its meaning could be one.
enum CodeRules {
    /// Coding schemes of PS3.16 2024d table 8-1 with codes of at least two digits and at most five letters and dashes.
    private static let schemes: Set<String> = [
        "DCM", "SRT", "SNM3", "99SDM", "SCT", "LN", "RADLEX", "FMA", "UMLS", "NCIt", "BI", "I9C", "I10", "I10P", "ICDO3", "ACR", "NEU", "UBERON", "IBSI",
        "MSH", "RXNORM", "C4", "C5", "HPC", "ATC", "CD4", "ITIS_TSN", "PUBCHEM_CID", "RFC3066", "ISO3166_1", "ISO639_1", "ISO639_2",
    ]
    private static let units: Set<String> = [
        "1", "%", "mm", "cm", "m", "um", "nm", "mm2", "cm2", "m2", "um2", "mm3", "cm3", "ml", "l", "s", "ms", "us", "min", "h", "d", "wk", "mo", "a", "Hz",
        "kHz", "MHz", "dB", "deg", "rad", "[hnsf'U]", "Gy", "cGy", "mGy", "uGy", "Sv", "mSv", "mGy.cm", "mGy.cm2", "Gy.m2", "dGy.cm2", "uGy.m2", "kV", "V",
        "mV", "uV", "A", "mA", "uA", "mA.s", "uA.s", "kg", "g", "mg", "ug", "kg/m2", "g/ml", "mg/ml", "mg/cm3", "Bq", "kBq", "MBq", "Bq/ml", "kBq/ml",
        "{counts}", "{ratio}", "ratio", "{pixels}", "{pixel}", "cm/s", "mm/s", "m/s", "cm/s2", "ml/s", "ml/min", "l/min", "{H.B.}/min", "/min", "mm[Hg]",
        "mmHg", "ppm", "T", "mT/m", "Cel", "mm2/s", "um2/s", "/s", "/mm", "1/s", "{SUVbw}g/ml", "{SUVlbm}g/ml", "{SUVbsa}cm2/ml", "J", "W", "mW/cm2", "keV",
    ]

    /// Whether a code value may stay under the coding scheme of its item.
    static func mayStay(_ code: [UInt8], scheme: [UInt8]) -> Bool {
        let scheme = String(decoding: scheme, as: UTF8.self)
        if scheme == "UCUM" { return units.contains(String(decoding: code, as: UTF8.self)) }
        guard isPublic(scheme), (1...18).contains(code.count) else { return false }
        var digits = 0
        for character in code {
            switch character {
            case 0x30...0x39: digits += 1
            case 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: continue
            default: return false
            }
        }
        // Languages and countries are codes of two and three letters.
        return digits > 1 && code.count - digits <= 5 || scheme.hasPrefix("ISO") && code.count <= 3 || scheme == "RFC3066" && code.count <= 5
    }

    static func isPublic(_ scheme: String) -> Bool { scheme == "UCUM" || schemes.contains(scheme) }
}
