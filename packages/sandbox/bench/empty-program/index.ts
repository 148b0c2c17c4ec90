// What starting any Pulumi program costs: the floor that the benchmark measures against.
export const nothing = "";
