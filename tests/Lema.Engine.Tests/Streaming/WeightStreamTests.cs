using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using TorchSharp;

namespace Lema.Engine.Tests.Streaming;

public sealed class WeightStreamTests
{
    [Property(MaxTest = 60)]
    public void Acquire_RandomVisitsBudgetsAndSlots_ShowsTheBytesOfTheFile(int seed)
    {
        Random random = new(seed);
        using RandomModel model = new(seed, random.Next(1, 9), large: random.Next(3) == 0);
        WeightStreamOptions options = new()
        {
            BudgetBytes = model.UnitBytes * random.Next(4, 9),
            Slots = random.Next(2) == 0 ? null : random.Next(2, 5),
            ReaderThreads = random.Next(1, 4),
            ReadBytes = 4096 * random.Next(1, 40),
            DirectIo = random.Next(2) == 0 ? DirectIo.On : DirectIo.Off,
        };
        using WeightStream stream = WeightStream.Open(model.Units, options);
        Assert.InRange(stream.SlotBytes, 0, options.BudgetBytes);
        for (int round = 0; round < 4; round++)
        {
            int[] visits = [.. Enumerable.Range(0, 12).Select(_ => random.Next(model.Units.Count))];
            stream.Schedule(visits);
            UnitLease? held = null;
            foreach (int announced in visits)
            {
                int unit = random.Next(5) == 0 ? random.Next(model.Units.Count) : announced;
                UnitLease lease = stream.Acquire(unit);
                AssertViews(model, lease);
                if (held is not null) AssertViews(model, held);
                held?.Dispose();
                held = lease;
            }
            held?.Dispose();
        }
    }

    [Fact]
    public void Acquire_ForwardAndBack_ReadsNoUnitThatIsStillInASlot()
    {
        using RandomModel model = new(7, 8, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 3 * model.UnitBytes, Slots = 3 });
        int[] visits = [.. Enumerable.Range(0, 8), .. Enumerable.Range(0, 8).Reverse()];
        for (int step = 0; step < 3; step++)
        {
            stream.Schedule([.. visits, .. visits]);
            foreach (int unit in visits) stream.Acquire(unit).Dispose();
        }
        // Each pass of 8 finds the last 3 of the one before; prefetch for the fourth step may have begun.
        Assert.InRange(stream.Statistics.Loads, 8 + 5 * 5, 8 + 5 * 5 + 3);
    }

    [Fact]
    public void Acquire_EverythingFits_ReadsEachUnitOnce()
    {
        using RandomModel model = new(3, 6);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 6 * model.UnitBytes });
        for (int step = 0; step < 5; step++)
        {
            for (int unit = 0; unit < 6; unit++) stream.Acquire(unit).Dispose();
        }
        Assert.Equal(6, stream.Statistics.Loads);
        Assert.Equal(24, stream.Statistics.Hits);
        Assert.Equal(30, stream.Statistics.Visits);
    }

    [Fact]
    public void Picture_ForwardAndBack_ShowsWhereEachUnitIs()
    {
        using RandomModel model = new(9, 6, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 3 * model.UnitBytes, Slots = 2 });
        Assert.All(stream.Picture.Slots, slot => Assert.Equal((SlotState.Free, -1), (slot.State, slot.Unit)));
        Assert.Equal(stream.SlotBytes, stream.Picture.Slots.Sum(slot => slot.ByteCount));

        for (int unit = 0; unit < 6; unit++) stream.Acquire(unit).Dispose();
        Assert.Equal(-1, stream.Picture.Current);
        Assert.Single(stream.Picture.Slots, slot => slot.State == SlotState.Pinned);

        using (stream.Acquire(5))
        using (stream.Acquire(4))
        {
            StreamPicture picture = stream.Picture;
            Assert.Equal((4, true), (picture.Current, picture.Descends));
            Assert.Equal([4, 5], picture.Slots.Where(slot => slot.State == SlotState.Leased).Select(slot => slot.Unit).Order());
        }
        using (stream.Acquire(5)) Assert.False(stream.Picture.Descends);
    }

    [Fact]
    public void Acquire_LeasedTwice_KeepsTheSlotUntilBothAreGivenBack()
    {
        using RandomModel model = new(11, 6, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 2 * model.UnitBytes, Slots = 2 });
        UnitLease first = stream.Acquire(0);
        using UnitLease second = stream.Acquire(0);
        first.Dispose();
        first.Dispose();
        for (int unit = 1; unit < 6; unit++) stream.Acquire(unit).Dispose();
        AssertViews(model, second);
        Assert.Throws<ObjectDisposedException>(() => first[model.Units[0].Slices[0].Tensor.Name]);
    }

    [Fact]
    public void Acquire_AllSlotsLeased_Throws()
    {
        using RandomModel model = new(5, 4, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 2 * model.UnitBytes, Slots = 2 });
        using UnitLease first = stream.Acquire(0);
        using UnitLease second = stream.Acquire(1);
        Assert.Throws<InvalidOperationException>(() => stream.Acquire(2));
    }

    [Fact]
    public void Open_BudgetTooSmall_NamesTheLeastThatWouldDo()
    {
        using RandomModel model = new(2, 5, uniform: true);
        var error = Assert.Throws<BudgetExceededException>(() => WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = model.UnitBytes }));
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = error.RequiredBytes });
        Assert.Throws<BudgetExceededException>(() => WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = error.RequiredBytes - 1 }));
    }

    [Fact(DisplayName = "EIO, file truncated or replaced mid-run: replaced")]
    public void Acquire_FileReplaced_FailsNamingIt()
    {
        using RandomModel model = new(4, 6, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 2 * model.UnitBytes, Slots = 2 });
        stream.Acquire(0).Dispose();
        string other = model.FilePath + ".new";
        File.Copy(model.FilePath, other);
        File.Move(other, model.FilePath, overwrite: true);
        var error = Assert.Throws<StorageException>(() => { for (int unit = 1; unit < 6; unit++) stream.Acquire(unit).Dispose(); });
        Assert.Equal(model.FilePath, error.File);
    }

    [Fact(DisplayName = "EIO, file truncated or replaced mid-run: truncated")]
    public void Acquire_FileTruncated_FailsNamingFileAndOffset()
    {
        using RandomModel model = new(4, 6, uniform: true);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 2 * model.UnitBytes, Slots = 2 });
        using (FileStream file = new(model.FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(model.Units[3].Slices[0].Tensor.Offset);
        var error = Assert.Throws<StorageException>(() => { for (int unit = 0; unit < 6; unit++) stream.Acquire(unit).Dispose(); });
        Assert.Equal(model.FilePath, error.File);
    }

    [Fact]
    public void Acquire_InsideADisposeScope_ViewsOutliveIt()
    {
        using RandomModel model = new(9, 4);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 4 * model.UnitBytes });
        using (torch.NewDisposeScope()) stream.Acquire(0).Dispose();
        using UnitLease lease = stream.Acquire(0);
        AssertViews(model, lease);
    }

    [Fact]
    public void GatherRows_RepeatedAndReversed_GivesTheRowsOfTheFile()
    {
        using RandomModel model = new(21, 8);
        var matrix = model.Index.Tensors.First(tensor => tensor.Shape.Count == 2 && tensor.Shape[0] > 3);
        using WeightStream stream = WeightStream.Open(model.Units, new WeightStreamOptions { BudgetBytes = 8 * model.UnitBytes });
        using var scope = torch.NewDisposeScope();
        long[] rows = [3, 0, 3, 2, 1, 0];
        torch.Tensor gathered = stream.GatherRows(matrix, rows);
        Assert.Equal([6, matrix.Shape[1]], gathered.shape);
        byte[] whole = model.Expected(new TensorSlice(matrix)).ToArray();
        byte[] expected = [.. rows.SelectMany(row => whole.Skip((int)(row * matrix.RowByteCount)).Take((int)matrix.RowByteCount))];
        Assert.Equal(expected, TensorMemory.Bytes(gathered).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.GatherRows(matrix, [matrix.Shape[0]]));
    }

    private static void AssertViews(RandomModel model, UnitLease lease)
    {
        foreach (TensorSlice slice in lease.Unit.Slices)
        {
            torch.Tensor view = lease[slice.Tensor.Name];
            Assert.Equal(slice.Tensor.Type, view.dtype);
            Assert.Equal(slice.Tensor.Shape.Count == 0 ? [] : [slice.RowCount, .. slice.Tensor.Shape.Skip(1)], view.shape);
            if (slice.ByteCount == 0) continue;
            Assert.Equal(0, TensorMemory.Pointer(view) % UnitLayout.ViewAlignment);
            Assert.True(model.Expected(slice).SequenceEqual(TensorMemory.Bytes(view)), $"{slice.Tensor.Name} differs from the file");
        }
    }
}
