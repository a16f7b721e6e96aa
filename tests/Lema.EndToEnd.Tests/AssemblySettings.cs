// Each class has a daemon whose workers use every core: side by side they would only slow each other down.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
