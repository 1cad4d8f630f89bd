package org.tensorflow.lite;

import java.nio.ByteBuffer;

public final class Interpreter implements AutoCloseable {
  public static class Options {
    public Options() { throw new RuntimeException("stub"); }
    public Options setNumThreads(int numThreads) { throw new RuntimeException("stub"); }
  }

  public Interpreter(ByteBuffer byteBuffer, Options options) { throw new RuntimeException("stub"); }
  public void run(Object input, Object output) { throw new RuntimeException("stub"); }
  public Tensor getInputTensor(int inputIndex) { throw new RuntimeException("stub"); }
  public Tensor getOutputTensor(int outputIndex) { throw new RuntimeException("stub"); }
  public void close() { throw new RuntimeException("stub"); }
}
