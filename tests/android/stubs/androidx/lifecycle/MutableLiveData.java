package androidx.lifecycle;

public class MutableLiveData<T> extends LiveData<T> {
  public MutableLiveData(T value) { throw new RuntimeException("stub"); }
  public void postValue(T value) { throw new RuntimeException("stub"); }
  public void setValue(T value) { throw new RuntimeException("stub"); }
}
