import TernDICOM

/// The value representations of PS3.5 2024d table 6.2-1.
enum VR: String, CaseIterable, Sendable {
    case AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM, UC, UI, UL, UN, UR, US, UT, UV

    /// Nil for letters that are none of the standard's.
    init?(_ representation: ValueRepresentation) {
        let letters = [UInt8(representation.letters >> 8), UInt8(representation.letters & 0xFF)]
        self.init(rawValue: String(decoding: letters, as: UTF8.self))
    }

    /// Two reserved bytes and a length of four bytes follow the letters (PS3.5 2024d 7.1.2).
    var hasLongLength: Bool {
        switch self {
        case .OB, .OD, .OF, .OL, .OV, .OW, .SQ, .SV, .UC, .UN, .UR, .UT, .UV: true
        default: false
        }
    }

    /// Text that people write: a name can stand in it. Code strings, numbers and dates have a form that is checked instead.
    var isFreeText: Bool {
        switch self {
        case .AE, .LO, .LT, .PN, .SH, .ST, .UC, .UR, .UT: true
        default: false
        }
    }

    /// Bytes without a form that could be checked.
    var isBulk: Bool {
        switch self {
        case .OB, .OD, .OF, .OL, .OV, .OW, .UN: true
        default: false
        }
    }

    /// Bytes that change places between the byte orders, 1 where none do.
    var unitByteCount: Int {
        switch self {
        case .AT, .OW, .SS, .US: 2
        case .FL, .OF, .OL, .SL, .UL: 4
        case .FD, .OD, .OV, .SV, .UV: 8
        default: 1
        }
    }

    /// The byte that makes a value even.
    var padding: UInt8 {
        switch self {
        case .AE, .AS, .CS, .DA, .DS, .DT, .IS, .LO, .LT, .PN, .SH, .ST, .TM, .UC, .UR, .UT: 0x20
        default: 0
        }
    }
}

extension DICOMTag {
    /// Group and element as one number, in the order that a data set is written in.
    var number: UInt32 { UInt32(group) << 16 | UInt32(element) }

    init(number: UInt32) { self.init(UInt16(number >> 16), UInt16(number & 0xFFFF)) }
}
