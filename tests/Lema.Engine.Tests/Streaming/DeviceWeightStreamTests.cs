using FsCheck.Xunit;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Tests.Devices;
using TorchSharp;

namespace Lema.Engine.Tests.Streaming;

public sealed class DeviceWeightStreamTests
{
    [Property(MaxTest = 40)]
    public void Acquire_RandomVisitsAndBudgets_ComputesOnTheBytesOfTheFile(int seed)
    {
        Random random = new(seed);
        using RandomModel model = new(seed, random.Next(1, 9));
        using SimulatedDevice device = new();
        int wrong = 0;
        using (IWeightStream stream = Open(model, device, random.Next(2, 6), random.Next(2, 6)))
        {
            for (int round = 0; round < 3; round++)
            {
                int[] visits = [.. Enumerable.Range(0, 10).Select(_ => random.Next(model.Units.Count))];
                stream.Schedule(visits);
                foreach (int announced in visits) Visit(model, stream, device, random.Next(5) == 0 ? random.Next(model.Units.Count) : announced, () => wrong++);
            }
            device.Drain();
        }
        Assert.Equal(0, wrong);
        Assert.Equal(0, device.PinnedBuffers);
    }

    [Fact]
    public void Acquire_CopyThatIgnoresTheComputation_IsCaught()
    {
        Assert.Equal(0, WrongVisits(new SimulatedDevice()));
        Assert.NotEqual(0, WrongVisits(new SimulatedDevice { CopiesIgnoreEvents = true }));
    }

    [Fact]
    public void Acquire_ComputationThatIgnoresTheCopy_IsCaught()
    {
        Assert.Equal(0, WrongFirstVisit(new SimulatedDevice { HoldCopies = true }));
        Assert.NotEqual(0, WrongFirstVisit(new SimulatedDevice { HoldCopies = true, ComputeIgnoresEvents = true }));
    }

    [Fact]
    public void Acquire_ForwardAndBack_CopiesNoUnitThatIsStillOnTheDevice()
    {
        using RandomModel model = new(7, 8, uniform: true);
        using SimulatedDevice device = new();
        using IWeightStream stream = Open(model, device, 8, 3);
        int[] visits = [.. Enumerable.Range(0, 8), .. Enumerable.Range(0, 8).Reverse()];
        stream.Schedule(visits);
        foreach (int unit in visits) Visit(model, stream, device, unit, () => Assert.Fail("bytes differ"));
        device.Drain();
        long bytes = model.Units.Sum(unit => new UnitLayout(unit).ByteCount) + 5 * model.UnitBytes;
        Assert.Equal(bytes, stream.Statistics.DeviceBytes);
    }

    [Fact]
    public void Open_DeviceBudgetTooSmall_NamesTheLeastAndFreesTheHost()
    {
        using RandomModel model = new(2, 5, uniform: true);
        using SimulatedDevice device = new();
        var error = Assert.Throws<BudgetExceededException>(() => Open(model, device, 3, 1));
        Assert.Equal(2 * model.UnitBytes, error.RequiredBytes);
        Assert.Contains("memory.deviceBytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acquire_FileTruncated_FailsNamingIt()
    {
        using RandomModel model = new(4, 6, uniform: true);
        using SimulatedDevice device = new();
        using IWeightStream stream = Open(model, device, 2, 2);
        using (FileStream file = new(model.FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(model.Units[3].Slices[0].Tensor.Offset);
        var error = Assert.Throws<StorageException>(() => { for (int unit = 0; unit < 6; unit++) stream.Acquire(unit).Dispose(); });
        Assert.Equal(model.FilePath, error.File);
    }

    [Fact]
    public void Open_CpuDevice_UsesTheHostSlots()
    {
        using RandomModel model = new(2, 5, uniform: true);
        using CpuDevice device = new();
        using IWeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 2 * model.UnitBytes }, device, 0);
        Assert.IsType<WeightStream>(stream);
        Assert.InRange(device.Memory().FreeBytes, 1, device.Memory().TotalBytes);
    }

    private static IWeightStream Open(RandomModel model, SimulatedDevice device, int hostUnits, int deviceUnits) => WeightStream.Open(
        model.Units, new WeightStreamOptions { BudgetBytes = hostUnits * model.UnitBytes }, device, deviceUnits * model.UnitBytes);

    private static int WrongVisits(SimulatedDevice device)
    {
        int wrong = 0;
        using RandomModel model = new(13, 6, uniform: true);
        using (device)
        {
            using IWeightStream stream = Open(model, device, 6, 2);
            for (int unit = 0; unit < 6; unit++) Visit(model, stream, device, unit, () => wrong++);
            device.Drain();
        }
        return wrong;
    }

    private static int WrongFirstVisit(SimulatedDevice device)
    {
        int wrong = 0;
        using RandomModel model = new(17, 6, uniform: true);
        using (device)
        {
            using IWeightStream stream = Open(model, device, 6, 2);
            Visit(model, stream, device, 0, () => wrong++);
            device.Settle();
            device.ReleaseCopies();
            device.Drain();
        }
        return wrong;
    }

    /// <summary>A visit whose computation, which runs later, checks the bytes it finds.</summary>
    private static void Visit(RandomModel model, IWeightStream stream, SimulatedDevice device, int unit, Action wrong)
    {
        using UnitLease lease = stream.Acquire(unit);
        foreach (TensorSlice slice in lease.Unit.Slices.Where(slice => slice.ByteCount > 0))
        {
            torch.Tensor view = lease[slice.Tensor.Name];
            nint address = TensorMemory.Pointer(view);
            byte[] expected = model.Expected(slice).ToArray();
            device.QueueComputation(() =>
            {
                if (!Matches(address, expected)) wrong();
            });
        }
    }

    private static unsafe bool Matches(nint address, byte[] expected) => new ReadOnlySpan<byte>((void*)address, expected.Length).SequenceEqual(expected);
}
