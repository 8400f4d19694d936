/// How the elements of a tensor are stored. Raw values are those of Models/FORMAT.md section 2.
public enum ElementType: UInt8, Equatable, Sendable {
    case f32 = 1
    case s8 = 2
    case t2 = 3
    case t5 = 4
    /// Binary16, finite; only `Operation.Fill` takes it. Needs `ModelFormat.featureHalf`.
    case f16 = 5

    /// Row-major floating point; the others are integer codes in panels.
    public var isFloat: Bool { self == .f32 || self == .f16 }
}

/// How weights came to their codes; for people, the engine does not use it.
public enum QuantisationRecipe: UInt8, Equatable, Sendable {
    case none = 0
    case absmaxPerChannel = 1
    case absmean = 2
    case ternaryAsTrained = 3
}

/// One record of the tensor table, Models/FORMAT.md section 2.
public struct Tensor: Equatable, Sendable {
    /// At most 47 ASCII bytes, unique in the file.
    public var name: String
    public var elementType: ElementType
    public var recipe: QuantisationRecipe
    /// 1 ... 4 entries, each 1 ... 2^20.
    public var dimensions: [Int]
    /// From the start of the weights section.
    public var byteOffset: Int
    /// What type, packing and dimensions give.
    public var byteCount: Int
    public init(name: String, elementType: ElementType, recipe: QuantisationRecipe, dimensions: [Int], byteOffset: Int, byteCount: Int) {
        self.name = name
        self.elementType = elementType
        self.recipe = recipe
        self.dimensions = dimensions
        self.byteOffset = byteOffset
        self.byteCount = byteCount
    }
}
