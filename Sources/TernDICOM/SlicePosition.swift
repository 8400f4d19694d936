public import TernImage

/// A point or a direction in the patient's coordinates, millimetres: x to the left, y to the back, z to the head (PS3.3 2024d C.7.6.2.1.1).
public struct PatientVector: Equatable, Sendable {
    public var x: Double
    public var y: Double
    public var z: Double
    public init(x: Double, y: Double, z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// The scalar product.
    public func dot(_ other: PatientVector) -> Double { x * other.x + y * other.y + z * other.z }
    /// The vector product.
    public func cross(_ other: PatientVector) -> PatientVector {
        PatientVector(x: y * other.z - z * other.y, y: z * other.x - x * other.z, z: x * other.y - y * other.x)
    }
    public func minus(_ other: PatientVector) -> PatientVector { PatientVector(x: x - other.x, y: y - other.y, z: z - other.z) }
    public func times(_ factor: Double) -> PatientVector { PatientVector(x: x * factor, y: y * factor, z: z * factor) }
    public var length: Double { dot(self).squareRoot() }
}

/// Where a slice lies in the patient, PS3.3 2024d C.7.6.2.
public struct SlicePosition: Equatable, Sendable {
    /// The centre of the first pixel.
    public let origin: PatientVector
    /// The direction in which the columns count up, of length 1.
    public let rowDirection: PatientVector
    /// The direction in which the rows count up, of length 1 and perpendicular to the other.
    public let columnDirection: PatientVector
    /// Nil when the file does not say.
    public let pixelSpacing: ImageAttributes.Spacing?

    /// Takes directions as files round them: both are brought to length 1, and the column's is made perpendicular to the row's.
    ///
    /// Nil when a length is below 0.9 or above 1.1, when the cosine between the two is above 0.01 (0.6 degrees; two digits behind the point keep
    /// it), or when the origin is farther away than a kilometre.
    public init?(origin: PatientVector, rowDirection: PatientVector, columnDirection: PatientVector, pixelSpacing: ImageAttributes.Spacing? = nil) {
        guard let row = rowDirection.normalised, let column = columnDirection.normalised else { return nil }
        let cosine = row.dot(column)
        guard abs(cosine) <= 0.01, origin.length <= 1e6 else { return nil }
        guard let perpendicular = column.minus(row.times(cosine)).normalised else { return nil }
        self.origin = origin
        self.rowDirection = row
        self.columnDirection = perpendicular
        self.pixelSpacing = pixelSpacing
    }

    /// The direction across the slice, of length 1.
    public var normal: PatientVector { rowDirection.cross(columnDirection) }
}

extension PatientVector {
    /// In the same direction with length 1; nil when the length is not 1 to within a tenth.
    fileprivate var normalised: PatientVector? {
        let length = length
        guard (0.9...1.1).contains(length) else { return nil }
        return times(1 / length)
    }
}
