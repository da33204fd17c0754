// Fills every region of an ImageJ ROI archive, or of a TIFF's overlay, with its label, as ImageJ itself decodes and fills
// it: FillRois FILE RAW WIDTH HEIGHT SLICES FRAMES CHANNELS. RAW receives int32 voxels, t c z y x, little-endian.
import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.io.Opener;
import ij.io.RoiDecoder;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import java.io.FileInputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

public class FillRois {
  static List<Roi> read(String file) throws Exception {
    List<Roi> rois = new ArrayList<>();
    if (file.endsWith(".tif")) {
      ImagePlus image = new Opener().openImage(file);
      Overlay overlay = image.getOverlay();
      for (int i = 0; i < overlay.size(); i++) rois.add(overlay.get(i));
      return rois;
    }
    try (ZipInputStream zip = new ZipInputStream(new FileInputStream(file))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry())
        rois.add(new RoiDecoder(zip.readAllBytes(), entry.getName()).getRoi());
    }
    return rois;
  }

  static boolean shows(int place, int number) {
    return place == 0 || place == number;
  }

  public static void main(String[] a) throws Exception {
    PrintStream out = System.out;
    System.setOut(System.err);  // ImageJ misses its colour tables here, and says so
    int width = Integer.parseInt(a[2]), height = Integer.parseInt(a[3]), slices = Integer.parseInt(a[4]);
    int frames = Integer.parseInt(a[5]), channels = Integer.parseInt(a[6]);
    int[] labels = new int[frames * channels * slices * height * width];
    int composites = 0, traced = 0, overlaps = 0;
    List<Roi> rois = read(a[0]);
    for (Roi roi : rois) {
      if (roi.getType() == Roi.COMPOSITE) composites++;
      if (roi.getType() == Roi.TRACED_ROI) traced++;
      int label = Integer.parseInt(roi.getProperty("label"));
      if (!roi.getName().startsWith("label" + label) || roi.getGroup() != (label - 1) % 255 + 1)
        out.println("label " + label + " has name " + roi.getName() + " and group " + roi.getGroup());
      int z0 = roi.getZPosition(), t0 = roi.getTPosition(), position = roi.hasHyperStackPosition() ? 0 : roi.getPosition();
      if (position > 0) {  // the one axis that the image has
        z0 = slices > 1 ? position : 0;
        t0 = slices > 1 ? 0 : position;
      }
      ImageProcessor mask = roi.getMask();
      Rectangle r = roi.getBounds();
      for (int t = 0; t < frames; t++)
        for (int c = 0; c < channels; c++)
          for (int z = 0; z < slices; z++) {
            if (!shows(t0, t + 1) || !shows(position > 0 ? 0 : roi.getCPosition(), c + 1) || !shows(z0, z + 1)) continue;
            int plane = ((t * channels + c) * slices + z) * height * width;
            for (int y = 0; y < r.height; y++)
              for (int x = 0; x < r.width; x++) {
                if (mask != null && mask.get(x, y) == 0) continue;
                int at = plane + (r.y + y) * width + r.x + x;
                if (labels[at] != 0) overlaps++;
                labels[at] = label;
              }
          }
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * labels.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(labels);
    Files.write(Paths.get(a[1]), bytes.array());
    out.println(rois.size() + " regions, " + traced + " traced, " + composites + " composite, " + overlaps
        + " overlaps");
  }
}
