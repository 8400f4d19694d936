import TernImage

extension ImageAttributes.Direction {
    /// The first of one to three letters of a biped, the direction that the row or column is closest to; nil for other letters: quadrupeds have words of
    /// two (PS3.3 2024d C.7.6.1.1.1).
    init?(letters: ArraySlice<UInt8>) {
        guard (1...3).contains(letters.count), letters.allSatisfy({ Self(rawValue: $0) != nil }), let first = letters.first else { return nil }
        self.init(rawValue: first)
    }

    /// The axis of the patient that a direction is closest to: x grows to the left, y to the back, z to the head (PS3.3 2024d C.7.6.2.1.1). Nil for one
    /// that is no direction.
    init?(closestTo vector: PatientVector) {
        let (x, y, z) = (abs(vector.x), abs(vector.y), abs(vector.z))
        if x >= y, x >= z, x > 0 {
            self = vector.x > 0 ? .left : .right
        } else if y >= z, y > 0 {
            self = vector.y > 0 ? .posterior : .anterior
        } else if z > 0 {
            self = vector.z > 0 ? .head : .foot
        } else {
            return nil
        }
    }
}
