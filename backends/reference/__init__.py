"""
The torch reference: batch-parallel, on CPU or GPU, bit for bit what the chip computes.

The way of a value from the inputs to a matrix product, and who has it on the way:

    ReferenceEngine.run(inputs)     checks the inputs
    CpuTiles.run(samples)           takes the batch tile by tile, in threads, and joins what comes out (on a GPU: CudaTiles)
    DeviceNetwork.compute(inputs)   is prepared once per device and set of probes; makes a tile's outputs of its inputs
    Tile.compute()                  has the values of one tile; lets one population after another emit, and counts events
    SpikingPopulation.emit(tile)    asks the tile for what arrives, and runs its neurons on that
    WeightedProduct.current(value)  adds up its sources, and multiplies the sum with its weights

What was decided or prepared before a run: the `ExecutionPlan` (`plan`) says which products are merged, which gates are not
materialised, and when values are forgotten; `DeviceKernels` (`kernels`, `cuda`) are what a device computes with; the
`DeviceNetwork` (`run`) has the `DeviceParameters`, weights and routes in the form of these kernels.
"""
