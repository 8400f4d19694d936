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
    public var origin: PatientVector
    /// The direction in which the columns count up, of length 1.
    public var rowDirection: PatientVector
    /// The direction in which the rows count up, of length 1 and perpendicular to the other.
    public var columnDirection: PatientVector
    /// Nil when the file does not say.
    public var pixelSpacing: ImageAttributes.Spacing?

    /// Nil unless the two directions have a length of 1 and are perpendicular, to within 0.001, as files round them.
    public init?(origin: PatientVector, rowDirection: PatientVector, columnDirection: PatientVector, pixelSpacing: ImageAttributes.Spacing? = nil) {
        let tolerance = 1e-3
        guard abs(rowDirection.length - 1) < tolerance, abs(columnDirection.length - 1) < tolerance else { return nil }
        guard abs(rowDirection.dot(columnDirection)) < tolerance else { return nil }
        self.origin = origin
        self.rowDirection = rowDirection
        self.columnDirection = columnDirection
        self.pixelSpacing = pixelSpacing
    }

    /// The direction across the slice.
    public var normal: PatientVector { rowDirection.cross(columnDirection) }
}
