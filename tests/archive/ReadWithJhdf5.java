// Reads level 0 of every timepoint and channel as BigDataViewer's HDF5 library does, natively typed, and compares it with
// raw voxels: ReadWithJhdf5 DATA.h5 RAW_FOLDER TIMEPOINTS CHANNELS. The library has no filter plugins.
import ch.systemsx.cisd.hdf5.HDF5Factory;
import ch.systemsx.cisd.hdf5.IHDF5Reader;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;

public class ReadWithJhdf5 {
  static byte[] voxels(IHDF5Reader reader, String type, String cells) {
    switch (type) {
      case "uint8":
        return reader.uint8().readMDArray(cells).getAsFlatArray();
      case "uint16": {
        short[] all = reader.uint16().readMDArray(cells).getAsFlatArray();
        ByteBuffer bytes = ByteBuffer.allocate(2 * all.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asShortBuffer().put(all);
        return bytes.array();
      }
      case "uint32": {
        int[] all = reader.uint32().readMDArray(cells).getAsFlatArray();
        ByteBuffer bytes = ByteBuffer.allocate(4 * all.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(all);
        return bytes.array();
      }
      default: {
        float[] all = reader.float32().readMDArray(cells).getAsFlatArray();
        ByteBuffer bytes = ByteBuffer.allocate(4 * all.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(all);
        return bytes.array();
      }
    }
  }

  public static void main(String[] a) throws Exception {
    int timepoints = Integer.parseInt(a[2]), channels = Integer.parseInt(a[3]);
    try (IHDF5Reader reader = HDF5Factory.openForReading(new File(a[0]))) {
      String type = reader.string().getAttr("s00", "dataType");
      int levels = reader.float64().readMatrix("s00/resolutions").length;
      boolean same = reader.int32().readMatrix("s00/subdivisions").length == levels;
      for (int t = 0; t < timepoints; t++)
        for (int c = 0; c < channels; c++) {
          byte[] wanted = Files.readAllBytes(Paths.get(a[1], t + "_" + c + ".raw"));
          same &= Arrays.equals(wanted, voxels(reader, type, String.format("t%05d/s%02d/0/cells", t, c)));
          for (int level = 1; level < levels; level++)
            voxels(reader, type, String.format("t%05d/s%02d/%d/cells", t, c, level));
        }
      System.out.println(type + " " + levels + " levels " + (same ? "same" : "different"));
    }
  }
}
