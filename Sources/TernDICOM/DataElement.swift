/// One data element: where it stands and what it says of itself. Its value stays in the bytes that were walked.
public struct DataElement: Equatable, Sendable {
    public var tag: DICOMTag
    /// Nil in implicit VR.
    public var representation: ValueRepresentation?
    /// The value in the walked bytes. Of an undefined length it is empty and starts where the content starts.
    public var valueRange: Range<Int>
    /// Where the element starts.
    public var offset: Int
    public var isUndefinedLength: Bool
    /// The byte order of the value, which is that of the data set save in content of unknown representation.
    public var isBigEndian: Bool
}

/// What a walk over a data set meets, in the order of the bytes.
public enum DataSetEvent: Equatable, Sendable {
    /// An element with a plain value.
    case element(DataElement)
    /// A sequence, of defined or undefined length: SQ, or a value without a representation (implicit VR, UN) that holds items.
    case sequenceStart(DataElement)
    /// An item of the innermost open sequence; `offset` is that of its tag.
    case itemStart(offset: Int)
    case itemEnd
    case sequenceEnd
    /// Encapsulated pixel data: OB or OW of undefined length (PS3.5 2024d A.4). The first fragment is the basic offset table.
    case fragmentsStart(DataElement)
    case fragment(Range<Int>)
    case fragmentsEnd
}
